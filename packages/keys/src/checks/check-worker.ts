/**
 * A worker thread that checks signatures. It gets public bytes and answers yes or no; no key of ours, no configuration
 * and no environment ever comes here.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { chooseDigestBackend } from '../digest/digest-backend.ts';
import type { EcdsaBackendName } from '../digest/ecdsa-backend.ts';
import { type PackedWork, runWork, unpackWork, type WorkResults } from './check-work.ts';

if (parentPort === null) throw new Error('this is the code of a worker thread');
const port = parentPort;

// A thread has modules of its own: what passed its self-test elsewhere passes it here, or the thread ends.
const backend = chooseDigestBackend((workerData as { readonly backend: EcdsaBackendName }).backend);

port.on('message', (packed: PackedWork) => {
	const results = unpackWork(packed).map((work) => {
		try {
			return runWork(work, backend);
		} catch (error) {
			return error instanceof Error ? error.message : String(error);
		}
	});
	port.postMessage({ id: packed.id, results } satisfies WorkResults);
});
port.postMessage('ready');
