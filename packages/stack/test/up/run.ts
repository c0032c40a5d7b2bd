/** A command that was started, all it has said so far, and its end. */
import type { ChildProcess } from 'node:child_process';
import { waitUntil } from '@chancery/postgres/embedded/process-identity';

/** Not a promise of the contract: only so that a start that hangs is reported as one. */
const READY_WITHIN_MS = 100_000;

export interface End {
	readonly code: number | null;
	readonly signal: NodeJS.Signals | null;
}

/** A process that was started, and everything it says. */
export class Run {
	stdout = '';
	stderr = '';
	/** Settles when the process has ended and all its output has been read. */
	readonly ended: Promise<End>;
	readonly #child: ChildProcess;

	constructor(child: ChildProcess) {
		this.#child = child;
		child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
			this.stdout += chunk;
		});
		child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
			this.stderr += chunk;
		});
		this.ended = new Promise((resolve, reject) => {
			child.once('error', reject);
			child.once('close', (code, signal) => resolve({ code, signal }));
		});
	}

	get pid(): number {
		return this.#child.pid as number;
	}

	kill(signal: NodeJS.Signals): void {
		this.#child.kill(signal);
	}

	/** Nobody reads on: as when a script has seen `ready` and closes the pipes. */
	closePipes(): void {
		this.#child.stdout?.destroy();
		this.#child.stderr?.destroy();
	}

	/** Waits for words on stderr. */
	async said(words: RegExp): Promise<void> {
		await this.#wait(() => words.test(this.stderr), String(words));
	}

	/** Waits for the line that begins with `ready` and answers it. */
	async ready(): Promise<string> {
		await this.#wait(() => /^ready.*\n/m.test(this.stdout), 'ready');
		return /^ready.*$/m.exec(this.stdout)?.[0] as string;
	}

	/** An orderly end; one that hangs is cut off, and the tests see its exit. */
	async stop(): Promise<End> {
		const cutOff = setTimeout(() => this.kill('SIGKILL'), 20_000);
		this.kill('SIGTERM');
		const end = await this.ended;
		clearTimeout(cutOff);
		return end;
	}

	async #wait(isThere: () => boolean, what: string): Promise<void> {
		let end: End | undefined;
		void this.ended.then((how) => {
			end = how;
		});
		const isInTime = await waitUntil(() => isThere() || end !== undefined, READY_WITHIN_MS);
		if (isThere()) return;
		const how = isInTime ? `it ended with ${end?.code ?? end?.signal}` : 'it took too long';
		throw new Error(`no '${what}': ${how}\n${this.stdout}\n${this.stderr}`);
	}
}
