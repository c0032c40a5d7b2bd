/** The figures of cells as a table. */
import { WORKLOADS } from '../load/workloads.ts';
import type { CellFigures } from '../measurement.ts';
import { figure, table } from './table.ts';

const HEADINGS = [
	'workload',
	'clients',
	'backend',
	'server',
	'rate/s',
	'(slowest-fastest)',
	'p50 ms',
	'p99 ms',
	'max ms',
	'CPU s/1000: server',
	'its main thread',
	'companion',
	'database',
	'loop p99 ms',
	'load cores',
	'refused',
];

export function cellTable(cells: readonly CellFigures[]): string {
	return table(
		HEADINGS,
		cells.map(({ cell, server, median, slowest, fastest }) => [
			cell.workload,
			String(cell.clients),
			WORKLOADS[cell.workload]?.digestOnly ? cell.backend : '-',
			server,
			figure(median.perSecond) + (median.ranOut ? '*' : ''),
			`${figure(slowest)}-${figure(fastest)}`,
			figure(median.p50Ms),
			figure(median.p99Ms),
			figure(median.maxMs),
			figure(median.serverCpu),
			figure(median.loop?.cpuSeconds),
			figure(median.companionCpu),
			figure(median.databaseCpu),
			figure(median.loop?.p99Ms),
			figure(median.loadCores),
			String(median.refused),
		]),
	);
}
