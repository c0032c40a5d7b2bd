/**
 * `chancery serve --processes N` from outside: started from a configuration file as an operator has it, over the keys,
 * marks, ports and database of a testbed, and killed in whole or in part.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { waitUntil } from '@chancery/postgres/embedded/process-identity';
import type { ProcessPlan } from './process-plan.ts';
import { Violation } from './signed-trees.ts';

const CHANCERY = join(import.meta.dirname, '../../../cli/bin/chancery');
/** Two of the signature log's, one of the CT log's, and one admin listener of each. */
const LISTENERS = 5;
const START_WITHIN_MS = 180_000;
const END_WITHIN_MS = 60_000;
const KEPT_CHARS = 8_000;

/** Writes the configuration of both services beside the keys; returns its path. */
export async function writeConfiguration(plan: ProcessPlan, folder: string): Promise<string> {
	const { ports } = plan;
	const listen = (named: Readonly<Record<string, number>>) =>
		Object.fromEntries(Object.entries(named).map(([name, port]) => [name, { host: '127.0.0.1', port }]));
	const key = (name: string) => ({ uri: `file:${join(plan.keyFolder, `${name}.pem`)}` });
	const mark = (name: string) => join(plan.markFolder, `${name}.mark`);
	const admin = { tokens: [{ name: 'campaign', role: 'operator', sha256: plan.adminTokenSha256 }] };
	const path = join(folder, 'chancery.yaml');
	const configuration = {
		profile: 'development',
		database: { url: plan.databaseUrl },
		logging: { access: 'errors' },
		log: {
			v1: { publicUrl: 'https://log.test', hostname: 'log.test', treeId: plan.treeId },
			v2: { publicUrl: 'https://log2.test', origin: 'log2.test' },
			markFiles: { v1: mark('v1'), v2: mark('v2') },
			keys: { v1: key('v1'), v2: key('v2') },
			listen: listen({ v1: ports.v1, v2: ports.v2, admin: ports.logAdmin }),
			admin,
		},
		ctlog: {
			publicUrl: 'https://ct.test',
			markFile: mark('ct'),
			keys: { signer: key('ct') },
			listen: listen({ public: ports.ct, admin: ports.ctAdmin }),
			admin,
		},
	};
	// JSON is YAML.
	await writeFile(path, JSON.stringify(configuration));
	return path;
}

/** What comes before the first `serve`. @throws {Violation} */
export async function prepare(configuration: string): Promise<void> {
	for (const words of [['migrate'], ['log', 'create']])
		await promisify(execFile)(CHANCERY, [...words, '--config', configuration]).catch((error: { stderr?: string }) => {
			throw new Violation(`chancery ${words.join(' ')}: ${error.stderr}`);
		});
}

export class ServeCommand {
	readonly processes: number;
	/** Settles with the exit in words. */
	readonly ended: Promise<string>;
	readonly #child: ChildProcess;
	#words = '';
	#bound = 0;
	#hasEnded = false;

	constructor(configuration: string, processes: number, compileCache: string) {
		this.processes = processes;
		this.#child = spawn(CHANCERY, ['serve', '--processes', String(processes), '--config', configuration], {
			stdio: ['ignore', 'ignore', 'pipe'],
			env: { PATH: process.env.PATH, NODE_COMPILE_CACHE: compileCache },
		});
		this.#child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
			this.#bound += chunk.split('"msg":"listening"').length - 1;
			this.#words = (this.#words + chunk).slice(-KEPT_CHARS);
		});
		this.ended = new Promise((resolve) => {
			this.#child.once('exit', (code, signal) => {
				this.#hasEnded = true;
				resolve(signal === null ? `exit code ${code}` : `signal ${signal}`);
			});
		});
	}

	get hasEnded(): boolean {
		return this.#hasEnded;
	}

	lastWords(): string {
		return this.#words;
	}

	/** The processes that serve; none when the supervisor is gone. */
	workers(): number[] {
		const { pid } = this.#child;
		try {
			return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number);
		} catch {
			return [];
		}
	}

	/** Waits until all processes have bound all listeners. False when the command has ended before. */
	async ready(): Promise<boolean> {
		const isReady = () => this.#bound >= LISTENERS * this.processes;
		const isInTime = await waitUntil(() => isReady() || this.#hasEnded, START_WITHIN_MS);
		if (!isInTime) throw new Violation(`no ${this.processes} processes listen: ${this.#words}`);
		return !this.#hasEnded;
	}

	/** Waits until a process has taken the place of each that ended. @throws {Violation} */
	async whole(): Promise<void> {
		const isInTime = await waitUntil(() => this.#hasEnded || this.workers().length === this.processes, START_WITHIN_MS);
		if (!isInTime || this.#hasEnded) throw new Violation(`a process that died was not replaced: ${this.#words}`);
	}

	/** To the supervisor alone, which passes on what ends it in order. */
	signal(name: NodeJS.Signals): void {
		this.#child.kill(name);
	}

	/** Sends SIGKILL to the supervisor, and to nobody else: the others have to end by themselves. @throws {Violation} */
	async killSupervisor(): Promise<void> {
		const workers = this.workers();
		this.#child.kill('SIGKILL');
		await this.ended;
		if (!(await waitUntil(() => !workers.some(isAlive), END_WITHIN_MS)))
			throw new Violation('the supervisor is gone, and its processes go on');
	}

	/** SIGKILL to all at once. */
	async killAll(): Promise<void> {
		const workers = this.workers();
		this.#child.kill('SIGKILL');
		for (const worker of workers) send(worker, 'SIGKILL');
		await this.ended;
		await waitUntil(() => !workers.some(isAlive), END_WITHIN_MS);
	}
}

/** A signal to one process; false when it is gone. */
export function send(pid: number, signal: NodeJS.Signals | 0): boolean {
	try {
		return process.kill(pid, signal);
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
		throw error;
	}
}

const isAlive = (pid: number) => send(pid, 0);
