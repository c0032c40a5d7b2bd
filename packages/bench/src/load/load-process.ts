/**
 * The benchmark's side of its load generator.
 */
import { type ChildProcess, fork } from 'node:child_process';
import type { LoadCommand, LoadReply, LoadTarget, WindowReport } from './messages.ts';

export class LoadProcess {
	readonly #child: ChildProcess;
	#waiting: PromiseWithResolvers<LoadReply> | undefined;

	constructor() {
		this.#child = fork(new URL('./load-generator.ts', import.meta.url), { serialization: 'advanced' });
		this.#child.on('message', (reply: LoadReply) => this.#waiting?.resolve(reply));
		this.#child.on('exit', (code, signal) =>
			this.#waiting?.reject(new Error(`the load generator ended (${signal ?? code})`)),
		);
	}

	get pid(): number {
		return this.#child.pid ?? 0;
	}

	/** Signs requests until this many are ready. Takes 0.1 to 1 ms each; never part of a window. */
	async prepare(target: LoadTarget, workload: string, requests: number): Promise<void> {
		await this.#ask({ kind: 'prepare', target, workload, requests });
	}

	/** Returns when the window is over and all running requests have been answered. */
	async window(
		target: LoadTarget,
		load: { readonly workload: string; readonly clients: number; readonly windowMs: number },
	): Promise<void> {
		await this.#ask({ kind: 'window', target, ...load });
	}

	/** Verifies the answers of the window before. */
	async verify(): Promise<WindowReport> {
		const reply = await this.#ask({ kind: 'verify' });
		if (reply.kind !== 'report') throw new Error('the load generator has no report');
		return reply.report;
	}

	close(): void {
		this.#child.kill('SIGTERM');
	}

	async #ask(command: LoadCommand): Promise<LoadReply> {
		this.#waiting = Promise.withResolvers<LoadReply>();
		this.#child.send(command);
		const reply = await this.#waiting.promise;
		if (reply.kind === 'failed') throw new Error(`the load generator failed: ${reply.reason}`);
		return reply;
	}
}
