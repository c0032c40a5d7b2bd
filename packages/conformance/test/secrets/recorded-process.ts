/** Programs that are run, and everything that they print; also what the system shows to everyone of each process. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import type { SearchedPlace } from './searched-places.ts';

const RUN_WITHIN_MS = 90_000;
const LOOK_EVERY_MS = 40;

export class RecordedProcess {
	readonly name: string;
	readonly ended: Promise<number | string>;
	readonly #child: ChildProcess;
	readonly #said = { stdout: [] as Buffer[], stderr: [] as Buffer[] };

	constructor(
		name: string,
		[program = '', ...args]: readonly string[],
		options: { cwd: string; env: NodeJS.ProcessEnv; uid?: number | undefined; gid?: number | undefined },
	) {
		this.name = name;
		this.#child = spawn(program, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
		for (const stream of ['stdout', 'stderr'] as const)
			this.#child[stream]?.on('data', (chunk: Buffer) => this.#said[stream].push(chunk));
		this.ended = new Promise((resolve, reject) => {
			this.#child.once('error', reject);
			this.#child.once('close', (code, signal) => resolve(signal ?? code ?? -1));
		});
		this.ended.catch(() => undefined);
	}

	get pid(): number {
		return this.#child.pid as number;
	}

	get isRunning(): boolean {
		return this.#child.exitCode === null && this.#child.signalCode === null;
	}

	text(stream: 'stdout' | 'stderr'): string {
		return Buffer.concat(this.#said[stream]).toString();
	}

	/** Waits until it has printed this; rejects with its whole output when it does not. */
	async said(words: RegExp): Promise<void> {
		const deadline = performance.now() + RUN_WITHIN_MS;
		for (;;) {
			if (words.test(this.text('stdout')) || words.test(this.text('stderr'))) return;
			if (!this.isRunning || performance.now() > deadline)
				throw new Error(`${this.name} did not say ${words}:\n${this.text('stdout')}\n${this.text('stderr')}`);
			await new Promise((resolve) => setTimeout(resolve, 25));
		}
	}

	async end(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | string> {
		if (this.isRunning) this.#child.kill(signal);
		return this.ended;
	}

	signal(name: NodeJS.Signals): void {
		this.#child.kill(name);
	}

	searchedPlaces(): SearchedPlace[] {
		return (['stdout', 'stderr'] as const).map((stream) => ({
			place: `output ${this.name} ${stream}`,
			bytes: Buffer.concat(this.#said[stream]),
			isDeep: true,
		}));
	}
}

/** Repeatedly reads the arguments and environment of all descendants of this process, as `ps` shows them. */
export class ProcessWatch {
	readonly #seen = new Map<string, SearchedPlace>();
	#isOver = false;
	#loop: Promise<void> | undefined;

	start(): void {
		this.#loop ??= this.#run();
	}

	async stop(): Promise<void> {
		this.#isOver = true;
		await this.#loop;
	}

	searchedPlaces(): SearchedPlace[] {
		return [...this.#seen.values()];
	}

	async #run(): Promise<void> {
		while (!this.#isOver) {
			for (const pid of await descendants(process.pid)) await this.#look(pid);
			await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
		}
	}

	async #look(pid: number): Promise<void> {
		const program = (await readFile(`/proc/${pid}/cmdline`).catch(() => undefined))?.toString('latin1');
		if (!program) return;
		const name = nameOf(program);
		this.#keep(`arguments of ${name}`, Buffer.from(program, 'latin1'));
		const environment = await readFile(`/proc/${pid}/environ`).catch(() => readAs(pid));
		if (environment) this.#keep(`environment of ${name}`, environment);
	}

	#keep(place: string, bytes: Buffer): void {
		this.#seen.set(`${place}\n${bytes.toString('latin1')}`, { place, bytes, isDeep: true });
	}
}

/** `postgres`, `initdb`, or the script that a Node process runs with its command. */
function nameOf(commandLine: string): string {
	const [program = '', ...args] = commandLine.split('\0');
	const script = args.find((arg) => arg.endsWith('/main.ts') || arg.endsWith('/bin/chancery'));
	if (script === undefined) return program.replace(/^.*\//, '').replace(/[:\s].*$/s, '');
	// The command is a shell script that becomes Node.
	const service = script.endsWith('.ts') ? script.split('/').at(-3) : 'cli';
	return service === undefined || service === 'cli' ? `chancery ${args[args.indexOf(script) + 1]}` : service;
}

/** Root without the right to look at other users' processes can become the user who may: the database's. */
async function readAs(pid: number): Promise<Buffer | undefined> {
	if (process.geteuid?.() !== 0) return undefined;
	const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
	// The process has ended since its arguments were read.
	if (status === '') return undefined;
	const [uid, gid] = ['Uid', 'Gid'].map((name) => Number(new RegExp(`^${name}:\\t(\\d+)`, 'm').exec(status)?.[1]));
	const { stdout } = await promisify(execFile)('cat', [`/proc/${pid}/environ`], {
		uid,
		gid,
		encoding: 'buffer',
	}).catch(() => ({ stdout: undefined }));
	return stdout;
}

async function descendants(root: number): Promise<number[]> {
	const parents = new Map<number, number>();
	for (const entry of await readdir('/proc').catch(() => [])) {
		if (!/^[1-9]\d*$/.test(entry)) continue;
		const stat = await readFile(`/proc/${entry}/stat`, 'utf8').catch(() => '');
		parents.set(Number(entry), Number(/\) \S (\d+)/.exec(stat)?.[1]));
	}
	const isBelow = (pid: number): boolean => {
		const parent = parents.get(pid);
		return parent !== undefined && parent !== 0 && (parent === root || isBelow(parent));
	};
	return [...parents.keys()].filter(isBelow);
}
