/** A command in a real pseudo terminal (util-linux's `script`), answered as by somebody who reads what it shows. */
import { type ChildProcess, spawn } from 'node:child_process';
import { stripVTControlCharacters } from 'node:util';
import { expect } from 'vitest';

const WAIT = { timeout: 60_000, interval: 30 };

/** A command in a terminal of its own, wide enough that nothing is wrapped. */
export class Terminal {
	readonly #child: ChildProcess;
	readonly ended: Promise<number | null>;
	#screen = '';
	/** Where what was seen already ends. */
	#seen = 0;

	/** @param command of a shell; `folder` is where it runs, and its home */
	constructor(command: string, folder: string, environment: Readonly<Record<string, string>> = {}) {
		// The size is that of the terminal, which is made with none.
		const args = ['--quiet', '--return', '--command', `stty cols 200 rows 70; exec ${command}`, '/dev/null'];
		const env = { PATH: process.env.PATH, TERM: 'xterm', SHELL: '/bin/sh', HOME: folder, ...environment };
		this.#child = spawn('script', args, { cwd: folder, env, stdio: ['pipe', 'pipe', 'pipe'] });
		this.#child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
			this.#screen += stripVTControlCharacters(chunk);
		});
		this.ended = new Promise((resolve) => this.#child.once('close', resolve));
	}

	get screen(): string {
		return this.#screen;
	}

	/** Waits for words that were not seen before, then types. */
	async answer(words: string, typed: string): Promise<void> {
		await expect.poll(() => this.#screen.slice(this.#seen), WAIT).toContain(words);
		this.#seen = this.#screen.indexOf(words, this.#seen) + words.length;
		this.#child.stdin?.write(typed);
	}

	/** Waits for words of this form that were not seen before, and returns what stands for the group in it. */
	async read(words: RegExp): Promise<string> {
		let found: RegExpExecArray | null = null;
		const look = () => {
			found = words.exec(this.#screen.slice(this.#seen));
			return found !== null || this.#child.exitCode !== null;
		};
		await expect.poll(look, WAIT).toBe(true);
		if (found === null) throw new Error(`it ended without ${words}:\n${this.#screen}`);
		const [whole, group = ''] = found as RegExpExecArray;
		this.#seen = this.#screen.indexOf(whole, this.#seen) + whole.length;
		return group;
	}

	type(text: string): void {
		this.#child.stdin?.write(text);
	}

	end(): void {
		this.#child.kill('SIGKILL');
	}
}
