/**
 * How the rate changes while the log grows: the same load at several sizes, also with a database that has only a part of its
 * size in memory.
 */
import { LoadProcess } from '../load/load-process.ts';
import { type CellFigures, Measurement } from '../measurement.ts';
import type { BenchOptions } from '../options.ts';
import { progress } from '../report/printing.ts';
import { figure, table } from '../report/table.ts';
import { usualBackend } from '../server/digest-backend.ts';
import { LogInstance } from '../server/log-instance.ts';
import { startLogServer } from '../server/log-server.ts';
import { countStored, requireStored } from '../stored-entries.ts';
import { fillTo } from './fill-process.ts';
import { limitMemory } from './memory-limit.ts';

const SIZES = [0, 100_000, 1_000_000, 5_000_000];
/** One client for the latency, many for the rate. */
const CLIENTS = [1, 256];
const WORKLOAD = 'v1-hashedrekord';

export interface GrowthPoint {
	/** Entries before the measurement. */
	readonly size: number;
	readonly databaseBytes: number;
	readonly fillPerSecond: number | undefined;
	/** A description; undefined for the usual settings. */
	readonly memoryLimit: string | undefined;
	readonly cells: readonly CellFigures[];
}

export interface GrowthResult {
	readonly settings: Readonly<Record<string, string>>;
	readonly points: readonly GrowthPoint[];
	readonly storedEntries: number;
}

/** @throws {VerificationFailed}, and whatever keeps a server from starting */
export async function runGrowth(options: BenchOptions, largest: number, folder: string): Promise<GrowthResult> {
	await using stack = new AsyncDisposableStack();
	const instance = await LogInstance.create(folder);
	stack.defer(() => instance.close());
	const sizes = [...SIZES.filter((size) => size < largest), largest];
	const points: GrowthPoint[] = [];
	let settings: Readonly<Record<string, string>> = {};

	const measure = async (size: number, memoryLimit: string | undefined, fillPerSecond: number | undefined) => {
		const databaseBytes = await databaseSize(instance);
		const backend = usualBackend();
		const load = new LoadProcess();
		const server = await startLogServer(instance, { logLevel: options.logLevel, backend });
		settings = { ...server.settings, ...settings };
		try {
			const stored = await countStored(instance.database);
			const measurement = new Measurement(load);
			const cells: CellFigures[] = [];
			for (const clients of options.clients ?? CLIENTS)
				cells.push(await measurement.measure(server, { workload: WORKLOAD, clients, backend }, options));
			requireStored(stored, await countStored(instance.database), measurement.acknowledged);
			points.push({ size, databaseBytes, fillPerSecond, memoryLimit, cells });
			for (const { cell, median } of cells)
				progress(
					`at ${figure(size)}${memoryLimit ? ` (${memoryLimit})` : ''}: ${cell.clients} clients ${figure(median.perSecond)}/s`,
				);
		} finally {
			await server.stop();
			load.close();
		}
	};

	for (const size of sizes) {
		const before = await countStored(instance.database);
		const seconds = size > before ? await fillTo(instance, size) : undefined;
		await measure(size, undefined, seconds && (size - before) / seconds);
		if (options.memoryShare === undefined || size === 0) continue;
		const bytes = (await databaseSize(instance)) * options.memoryShare;
		const limit = await limitMemory(instance, bytes, options.memoryGroup);
		try {
			await measure(size, limit.description, undefined);
		} finally {
			await limit.lift();
		}
	}
	return { settings, points, storedEntries: await countStored(instance.database) };
}

async function databaseSize(instance: LogInstance): Promise<number> {
	const [row] = await instance.database.query<{ bytes: number }>(
		'select pg_database_size(current_database()) as bytes',
	);
	return row?.bytes ?? 0;
}

export function growthTable(points: readonly GrowthPoint[]): string {
	const base = points.find(({ size, memoryLimit }) => size >= 100_000 && memoryLimit === undefined);
	const rows = points.flatMap(({ size, databaseBytes, fillPerSecond, memoryLimit, cells }) =>
		cells.map(({ cell, median }) => {
			const baseRate = base?.cells.find((other) => other.cell.clients === cell.clients)?.median.perSecond;
			return [
				figure(size),
				figure(databaseBytes / 2 ** 20),
				size === 0 ? '-' : figure(databaseBytes / size),
				figure(fillPerSecond),
				String(cell.clients),
				figure(median.perSecond),
				baseRate === undefined ? '-' : figure(median.perSecond / baseRate),
				figure(median.p50Ms),
				figure(median.p99Ms),
				figure(median.maxMs),
				figure(median.serverCpu),
				figure(median.databaseCpu),
				memoryLimit ?? 'usual',
			];
		}),
	);
	return table(
		[
			'entries',
			'database MiB',
			'bytes/entry',
			'filled/s',
			'clients',
			'writes/s',
			'of 100k',
			'p50 ms',
			'p99 ms',
			'max ms',
			'CPU s/1000: server',
			'database',
			'memory',
		],
		rows,
	);
}
