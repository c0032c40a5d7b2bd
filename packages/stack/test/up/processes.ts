/** What of an instance runs, seen from outside: its processes by what they wrote about themselves, and its ports. */
import { readFile } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { isAbsolute, join } from 'node:path';
import { postgresProcesses, processIdentity, waitUntil } from '@chancery/postgres/embedded/process-identity';
import type { End, Run } from './run.ts';

/** What the contract gives a stop, from the signal to the end of the last process. */
export const STOPPED_WITHIN_MS = 5_000;

/** How many ports belong to an instance, used or not. */
const PORT_COUNT = 10;

/** Where an instance is found. */
interface Whereabouts {
	readonly data: string;
	readonly portBase: number;
}

export interface DatabaseTrace {
	readonly cluster: string;
	readonly isOutside: boolean;
	readonly runtimeDir: string | null;
}

/** What the embedded server's record says; undefined before the first. */
export async function databaseOf({ data }: Pick<Whereabouts, 'data'>): Promise<DatabaseTrace | undefined> {
	const text = await readFile(join(data, 'postgres/embedded.json'), 'utf8').catch(() => undefined);
	const { cluster, runtimeDir } = JSON.parse(text ?? '{}') as { cluster?: string; runtimeDir?: string };
	if (!cluster) return undefined;
	const isOutside = isAbsolute(cluster);
	return { cluster: isOutside ? cluster : join(data, 'postgres', cluster), isOutside, runtimeDir: runtimeDir ?? null };
}

/** Main process and helpers of the server. */
export function databaseProcesses({ cluster }: Pick<DatabaseTrace, 'cluster'>): Promise<number[]> {
	return postgresProcesses(cluster);
}

/** The processes of a live instance, by what they wrote about themselves. */
export interface Processes {
	readonly node: number;
	readonly database: number;
	/** Whether any of them still runs, a helper of the database included. */
	stillRunning(): Promise<string[]>;
}

export async function processesOf(place: Whereabouts): Promise<Processes> {
	const { cluster } = (await databaseOf(place)) as DatabaseTrace;
	const number = async (file: string) => Number.parseInt(await readFile(file, 'utf8'), 10);
	const node = await number(join(place.data, 'lock.pid'));
	const database = await number(join(cluster, 'postmaster.pid'));
	const identity = await processIdentity(node);
	if (identity === undefined) throw new Error('the instance does not run');
	return {
		node,
		database,
		stillRunning: async () => {
			const helpers = await databaseProcesses({ cluster });
			return [
				...((await processIdentity(node)) === identity ? [`node ${node}`] : []),
				...helpers.map((pid) => `postgres ${pid}`),
				...(await openPorts(place)).map((port) => `port ${port}`),
			];
		},
	};
}

/** Sends a signal, and waits until the run and everything of the instance has ended: within the contract's time. */
export async function stopInTime(run: Run, processes: Processes, send: () => void): Promise<End> {
	let end: End | undefined;
	void run.ended.then((how) => {
		end = how;
	});
	let left: string[] = [];
	const isStopped = async () => {
		left = await processes.stillRunning();
		return end !== undefined && left.length === 0;
	};
	send();
	if ((await waitUntil(isStopped, STOPPED_WITHIN_MS)) && end) return end;
	throw new Error(`still there: ${[...left, ...(end ? [] : [`process ${run.pid}`])].join(', ')}`);
}

/** The ports of the place at which somebody answers. */
export async function openPorts({ portBase }: Pick<Whereabouts, 'portBase'>): Promise<number[]> {
	const ports = Array.from({ length: PORT_COUNT }, (_, offset) => portBase + offset);
	const open = await Promise.all(
		ports.map(async (port) => (await isOpen('127.0.0.1', port)) || (await isOpen('::1', port))),
	);
	return ports.filter((_, offset) => open[offset]);
}

function isOpen(host: string, port: number): Promise<boolean> {
	return new Promise((resolve) => {
		const socket = createConnection({ host, port });
		socket.once('connect', () => {
			socket.destroy();
			resolve(true);
		});
		socket.once('error', () => resolve(false));
	});
}
