/**
 * The usual run: all cells, one server process per digest backend over one log that grows.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type Cell, nameOf } from './cells.ts';
import { LoadProcess } from './load/load-process.ts';
import { type CellFigures, Measurement } from './measurement.ts';
import type { BenchOptions } from './options.ts';
import { cellTable } from './report/cell-table.ts';
import { print } from './report/printing.ts';
import { summariseProfile } from './report/profile-summary.ts';
import { LogInstance } from './server/log-instance.ts';
import { startLogServer } from './server/log-server.ts';
import { countStored, requireStored } from './stored-entries.ts';

export interface MatrixResult {
	readonly settings: Readonly<Record<string, string>>;
	readonly cells: readonly CellFigures[];
	readonly storedEntries: number;
}

/** @throws VerificationFailed, and whatever keeps a server from starting */
export async function runMatrix(
	cells: readonly Cell[],
	options: BenchOptions,
	folder: string,
	onCell: (figures: CellFigures) => void,
): Promise<MatrixResult> {
	if (options.profileFolder !== undefined) await mkdir(options.profileFolder, { recursive: true });
	await using stack = new AsyncDisposableStack();
	const instance = await LogInstance.create(folder);
	stack.defer(() => instance.close());
	const load = new LoadProcess();
	stack.defer(() => load.close());
	const measurement = new Measurement(load);

	const figures: CellFigures[] = [];
	let storedBefore: number | undefined;
	let settings: Readonly<Record<string, string>> = {};
	for (const [backend, ofBackend] of Map.groupBy(cells, (cell) => cell.backend)) {
		const server = await startLogServer(instance, { logLevel: options.logLevel, backend });
		// The first start has made the seed of the v1 log.
		storedBefore ??= await countStored(instance.database);
		try {
			settings = { ...settings, ...server.settings };
			for (const cell of ofBackend) {
				const { profileFolder } = options;
				const profileTo = profileFolder && join(profileFolder, `${nameOf(cell).replaceAll('/', '-')}.cpuprofile`);
				const measured = await measurement.measure(server, cell, { ...options, profileTo });
				figures.push(measured);
				onCell(measured);
				if (profileTo !== undefined) print(`\n${cellTable([measured])}\n\n${await summariseProfile(profileTo)}\n`);
			}
		} finally {
			await server.stop();
		}
	}
	const storedEntries = await countStored(instance.database);
	requireStored(storedBefore ?? 0, storedEntries, measurement.acknowledged);
	return { settings, cells: figures, storedEntries };
}
