/**
 * The cells of the matrix: a workload, a number of clients, a digest backend.
 */
import { WORKLOADS } from './load/workloads.ts';
import type { BenchOptions } from './options.ts';
import { BACKEND_CHOICES, type BackendChoice } from './server/digest-backend.ts';

export interface Cell {
	readonly workload: string;
	readonly clients: number;
	readonly backend: BackendChoice;
}

const CLIENTS = [1, 16, 64, 256, 1024];

export function nameOf({ workload, clients, backend }: Cell): string {
	return `${workload}/${clients}/${backend}`;
}

/** The cells that the options ask for, those of one server process next to each other. */
export function chooseCells(options: Pick<BenchOptions, 'only' | 'clients' | 'quick'>): Cell[] {
	const { only } = options;
	const patterns = only.map((pattern) => pattern.split('/'));
	const names = (position: number) => patterns.map((pattern) => pattern[position] ?? '*');
	const clients = new Set(options.clients ?? CLIENTS);
	for (const name of names(1)) if (name !== '*') clients.add(Number(name));
	const cells: Cell[] = [];
	for (const backend of BACKEND_CHOICES)
		for (const [workload, { usual, digestOnly }] of Object.entries(WORKLOADS))
			for (const count of [...clients].sort((a, b) => a - b)) {
				const cell = { workload, clients: count, backend };
				const isUsual =
					usual &&
					(backend === 'usual' || (digestOnly && !options.quick)) &&
					(options.clients ?? CLIENTS).includes(count);
				const isNamed = patterns.some(([name = '*', at = '*', by = 'usual']) => {
					// A pattern that stops early asks for the usual: '*' has to be written.
					const matches = (part: string, value: string) => part === '*' || part === value;
					return (
						(name === workload || (name === '*' && usual)) &&
						(at === String(count) || (at === '*' && (options.clients ?? CLIENTS).includes(count))) &&
						matches(by, backend)
					);
				});
				if (only.length > 0 ? isNamed : isUsual) cells.push(cell);
			}
	return cells;
}
