/**
 * The usual run: all cells, service by service, with one server process per digest backend on one growing database.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type Cell, nameOf } from './cells.ts';
import { LoadProcess } from './load/load-process.ts';
import { WORKLOADS } from './load/workloads.ts';
import { type CellFigures, Measurement } from './measurement.ts';
import type { BenchOptions } from './options.ts';
import { cellTable } from './report/cell-table.ts';
import { print } from './report/printing.ts';
import { summariseProfile } from './report/profile-summary.ts';
import { openMeasuredInstance, type ServiceUnderTest, serviceOf } from './server/measured-instance.ts';
import { requireStored } from './stored-entries.ts';

export interface MatrixResult {
	readonly settings: Readonly<Record<string, string>>;
	readonly cells: readonly CellFigures[];
	/** Number of stored rows for acknowledged requests, by service. */
	readonly stored: Readonly<Partial<Record<ServiceUnderTest, number>>>;
}

/** @throws {VerificationFailed}, and whatever keeps a server from starting */
export async function runMatrix(
	cells: readonly Cell[],
	options: BenchOptions,
	folder: string,
	onCell: (figures: CellFigures) => void,
): Promise<MatrixResult> {
	if (options.profileFolder !== undefined) await mkdir(options.profileFolder, { recursive: true });
	let settings: MatrixResult['settings'] = {};
	const figures: CellFigures[] = [];
	const stored: Partial<Record<ServiceUnderTest, number>> = {};
	const byService = Map.groupBy(cells, ({ workload }) => serviceOf(WORKLOADS[workload]!.wire));
	for (const [service, ofService] of byService) {
		const result = await runService(service, ofService, options, folder, onCell);
		settings = { ...settings, ...result.settings };
		figures.push(...result.cells);
		if (result.stored !== undefined) stored[service] = result.stored;
	}
	return { settings, cells: figures, stored };
}

async function runService(
	service: ServiceUnderTest,
	cells: readonly Cell[],
	options: BenchOptions,
	folder: string,
	onCell: (figures: CellFigures) => void,
) {
	await using stack = new AsyncDisposableStack();
	const instance = await openMeasuredInstance(service, folder, options.logLevel, options.processes);
	stack.defer(() => instance.close());
	const load = new LoadProcess();
	stack.defer(() => load.close());
	const measurement = new Measurement(load);

	const figures: CellFigures[] = [];
	let storedBefore: number | undefined;
	let settings: Readonly<Record<string, string>> = {};
	for (const [backend, ofBackend] of Map.groupBy(cells, (cell) => cell.backend)) {
		const server = await instance.start(backend);
		// The first start has made the seed of the v1 log.
		storedBefore ??= await instance.countStored();
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
	const stored = await instance.countStored();
	if (stored !== undefined) requireStored(storedBefore ?? 0, stored, measurement.acknowledged);
	return { settings, cells: figures, stored };
}
