/** The real thread, but for checks over the one digest that it crashes on: 32 bytes 0xee. */
import { parentPort } from 'node:worker_threads';

parentPort?.on('message', ({ bytes }: { readonly bytes: Uint8Array }) => {
	if (bytes.toHex().includes('ee'.repeat(32))) process.exit(3);
});
await import('../../src/checks/check-worker.ts');
