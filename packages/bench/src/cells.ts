/**
 * The cells of the matrix: a workload, a number of clients, a digest backend.
 */
import { WORKLOADS } from './load/workloads.ts';
import type { BenchOptions } from './options.ts';
import { type BackendChoice, offeredBackends, usualBackend } from './server/digest-backend.ts';

export interface Cell {
	readonly workload: string;
	readonly clients: number;
	readonly backend: BackendChoice;
}

const CLIENTS = [1, 16, 64, 256, 1024];

export function nameOf({ workload, clients, backend }: Cell): string {
	return `${workload}/${clients}/${backend}`;
}

/**
 * The cells that the options select, cells of one server process next to each other. Without `--only`: the usual workloads
 * with the usual backend and, unless `--quick`, the other backends for workloads that verify a digest alone.
 */
export function chooseCells(options: Pick<BenchOptions, 'only' | 'clients' | 'quick'>): Cell[] {
	const usual = usualBackend();
	const counts = options.clients ?? CLIENTS;
	if (options.only.length > 0) {
		const cells = options.only.flatMap((pattern) => matching(pattern, counts, usual));
		return [...new Map(cells.map((cell) => [nameOf(cell), cell])).values()];
	}
	return offeredBackends().flatMap((backend) =>
		Object.entries(WORKLOADS)
			.filter(([, workload]) => workload.usual && (backend === usual || (workload.digestOnly && !options.quick)))
			.flatMap(([workload]) => counts.map((clients) => ({ workload, clients, backend }))),
	);
}

/** A pattern of fewer parts selects the usual values for the rest; `*` selects all. */
function matching(pattern: string, counts: readonly number[], usual: BackendChoice): Cell[] {
	const [workload = '*', clients = '*', backend = usual] = pattern.split('/');
	const backends = backend === '*' ? offeredBackends() : [backend as BackendChoice];
	const workloads = workload === '*' ? Object.keys(WORKLOADS).filter((name) => WORKLOADS[name]?.usual) : [workload];
	return backends.flatMap((backend) =>
		workloads.flatMap((workload) =>
			(clients === '*' ? counts : [Number(clients)]).map((clients) => ({ workload, clients, backend })),
		),
	);
}
