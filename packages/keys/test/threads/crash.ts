/** A thread for signature checks that ends in the middle of its first batch. */
import { parentPort } from 'node:worker_threads';

parentPort?.on('message', () => {
	throw new Error('met a signature that it could not stand');
});
parentPort?.postMessage('ready');
