/** A replica from outside: it and its relay started, given orders, stopped, woken, and everything it says. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { waitUntil } from '@chancery/postgres/embedded/process-identity';
import type { Answer, ReplicaEvent, ReplicaPlan } from './replica-plan.ts';
import { Violation } from './signed-trees.ts';

const SOCKET = '.s.PGSQL.5432';
const WAIT_MS = 60_000;

export class Replica {
	readonly name: string;
	readonly answers: Answer[] = [];
	readonly events: Exclude<ReplicaEvent, Answer>[] = [];
	readonly #relay: ChildProcess;
	readonly #child: ChildProcess;
	#lastWords = '';

	private constructor(name: string, relay: ChildProcess, child: ChildProcess) {
		this.name = name;
		this.#relay = relay;
		this.#child = child;
		child.stderr?.on('data', (chunk: Buffer) => {
			this.#lastWords = (this.#lastWords + chunk).slice(-4_000);
		});
		if (child.stdout)
			createInterface(child.stdout).on('line', (line) => {
				const event = JSON.parse(line) as ReplicaEvent;
				if (event.kind === 'answer') this.answers.push(event);
				else this.events.push(event);
			});
	}

	/** @param serverFolder where the socket of the database server is. */
	static async start(folder: string, serverFolder: string, plan: Omit<ReplicaPlan, 'relayPid'>): Promise<Replica> {
		const socketFolder = join(folder, plan.name);
		await mkdir(socketFolder);
		const relayScript = join(import.meta.dirname, 'socket-relay.ts');
		const relay = spawn(process.execPath, [relayScript, join(socketFolder, SOCKET), join(serverFolder, SOCKET)], {
			stdio: ['ignore', 'pipe', 'inherit'],
		});
		await new Promise((resolve) => relay.stdout?.once('data', resolve));
		const databaseUrl = new URL(plan.databaseUrl);
		databaseUrl.searchParams.set('host', socketFolder);
		const complete: ReplicaPlan = { ...plan, databaseUrl: databaseUrl.href, relayPid: relay.pid as number };
		const script = join(import.meta.dirname, 'replica-process.ts');
		const child = spawn(process.execPath, [script, JSON.stringify(complete)], { stdio: ['pipe', 'pipe', 'pipe'] });
		const replica = new Replica(plan.name, relay, child);
		await replica.says('ready');
		return replica;
	}

	/** Waits for an event of this kind and answers the first. */
	async says<K extends ReplicaEvent['kind']>(kind: K): Promise<Extract<ReplicaEvent, { kind: K }>> {
		const find = () => this.events.find((event) => event.kind === kind);
		await this.reaches(`'${kind}'`, () => find() !== undefined);
		return find() as Extract<ReplicaEvent, { kind: K }>;
	}

	async reaches(what: string, isSo: () => boolean): Promise<void> {
		const isInTime = await waitUntil(() => isSo() || this.#child.exitCode !== null, WAIT_MS);
		if (!isSo()) throw new Violation(`${this.name}: no ${what}${isInTime ? ', it has ended' : ''}\n${this.#lastWords}`);
	}

	order(word: 'hold' | 'end'): void {
		this.#child.stdin?.write(`${word}\n`);
	}

	wake(): void {
		this.#relay.kill('SIGCONT');
		this.#child.kill('SIGCONT');
	}

	kill(): void {
		this.#child.kill('SIGKILL');
		this.#relay.kill('SIGKILL');
	}
}
