/** Runs the filling of the log to its end. */
import { fork } from 'node:child_process';
import { join } from 'node:path';
import { progress } from '../report/printing.ts';
import { figure } from '../report/table.ts';
import type { LogInstance } from '../server/log-instance.ts';
import type { FillReply, FillRequest } from './fill.ts';

/** Fills the v1 log up to `size` entries. No server may run on it. Returns the seconds that it took. */
export async function fillTo(instance: LogInstance, size: number): Promise<number> {
	const startMs = performance.now();
	const request: FillRequest = {
		databaseUrl: instance.databaseUrl,
		config: instance.config,
		keyFiles: { v1: join(instance.folder, 'keys', 'v1.pem'), v2: join(instance.folder, 'keys', 'v2.pem') },
		markFile: instance.markFile('v1'),
		size,
	};
	const child = fork(new URL('./fill.ts', import.meta.url), { serialization: 'advanced' });
	const { promise, resolve, reject } = Promise.withResolvers<void>();
	child.on('message', (reply: FillReply) => {
		if (reply.kind === 'failed') reject(new Error(`filling failed: ${reply.reason}`));
		else if (reply.kind === 'progress') progress(`filled to ${figure(reply.size)} of ${figure(size)}`);
	});
	child.on('exit', (code, signal) => {
		if (code === 0) resolve();
		else reject(new Error(`filling ended (${signal ?? code})`));
	});
	child.send(request);
	await promise;
	return (performance.now() - startMs) / 1000;
}
