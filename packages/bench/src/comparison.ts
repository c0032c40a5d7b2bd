/**
 * The same load on our server and on a peer, on one machine and by turns: ours, theirs, ours, theirs. Both servers run all the
 * time, only one has load. The report contains the ratios of neighbouring windows.
 */
import { type Cell, chooseCells, nameOf } from './cells.ts';
import { LoadProcess } from './load/load-process.ts';
import { Measurement, type WindowFigures } from './measurement.ts';
import type { BenchOptions } from './options.ts';
import { type Peer, workloadsAgainst } from './peers.ts';
import { progress } from './report/printing.ts';
import { figure, table } from './report/table.ts';
import { openComparedServers } from './server/compared-servers.ts';
import { usualBackend } from './server/digest-backend.ts';
import type { ServerUnderTest } from './server/server-under-test.ts';
import { median } from './statistics.ts';

/** One window of our server, and the window of the peer after it. */
export interface Pair {
	readonly ours: WindowFigures;
	readonly theirs: WindowFigures;
}

export interface Comparison {
	readonly cell: Cell;
	readonly theirs: string;
	readonly pairs: readonly Pair[];
}

export interface ComparisonResult {
	readonly settings: Readonly<Record<string, Readonly<Record<string, string>>>>;
	readonly comparisons: readonly Comparison[];
}

/** @throws {VerificationFailed}, and whatever keeps a server from starting */
export async function runComparison(
	options: BenchOptions,
	peer: Peer,
	bin: string,
	folder: string,
): Promise<ComparisonResult> {
	await using stack = new AsyncDisposableStack();
	const load = new LoadProcess();
	stack.defer(() => load.close());
	const measurement = new Measurement(load);
	const compared = await openComparedServers(peer, bin, folder, options.logLevel);
	stack.defer(() => compared.close());
	const { ours } = compared;
	const workloads = workloadsAgainst(peer);
	const only = options.only.length > 0 ? options.only : workloads;
	const cells = chooseCells({ ...options, only }).filter(
		(cell) => workloads.includes(cell.workload) && cell.backend === usualBackend(),
	);
	const settings: Record<string, Readonly<Record<string, string>>> = { [ours.name]: ours.settings };
	const comparisons: Comparison[] = [];
	for (const side of compared.theirs) {
		const theirs = await side.start();
		settings[theirs.name] = theirs.settings;
		const theirWindowMs = Math.max(options.windowMs, side.minWindowMs);
		try {
			for (const cell of cells)
				comparisons.push(await compare(measurement, { ours, theirs, cell, theirWindowMs }, options));
		} finally {
			await theirs.stop();
		}
	}
	return { settings, comparisons };
}

async function compare(
	measurement: Measurement,
	sides: { ours: ServerUnderTest; theirs: ServerUnderTest; cell: Cell; theirWindowMs: number },
	options: BenchOptions,
): Promise<Comparison> {
	const { ours, theirs, cell, theirWindowMs } = sides;
	const { runs, windowMs } = options;
	await measurement.window(ours, cell, options.warmUpMs);
	await measurement.window(theirs, cell, Math.max(options.warmUpMs, theirWindowMs / 2));
	const pairs: Pair[] = [];
	while (pairs.length < runs) {
		const one = await measurement.window(ours, cell, windowMs);
		const other = await measurement.window(theirs, cell, theirWindowMs);
		pairs.push({ ours: one.figures, theirs: other.figures });
		progress(
			`${nameOf(cell)}: ours ${figure(one.figures.perSecond)}/s, ${theirs.name} ${figure(other.figures.perSecond)}/s`,
		);
	}
	return { cell, theirs: theirs.name, pairs };
}

/** CPU time of a server and everything that it needs, in seconds per 1,000 requests. */
function cpuOf({ serverCpu, companionCpu, databaseCpu }: WindowFigures): number {
	return (serverCpu ?? Number.NaN) + (companionCpu ?? 0) + (databaseCpu ?? 0);
}

/** The median of the pairwise ratios, with the smallest and the largest. */
function ratio(pairs: readonly Pair[], read: (window: WindowFigures) => number): string {
	const ratios = pairs.map(({ ours, theirs }) => read(ours) / read(theirs));
	return `${figure(median(ratios))} (${figure(Math.min(...ratios))}-${figure(Math.max(...ratios))})`;
}

export function comparisonTable(comparisons: readonly Comparison[]): string {
	return table(
		[
			'workload',
			'clients',
			'other server',
			'rate: ours',
			'theirs',
			'ratio',
			'p50 ms: ours',
			'theirs',
			'CPU s/1000: ours',
			'theirs',
			'ratio',
			'of it database: ours',
			'theirs',
		],
		comparisons.map(({ cell, theirs, pairs }) => {
			const of = (side: keyof Pair, read: (window: WindowFigures) => number) =>
				figure(median(pairs.map((pair) => read(pair[side]))));
			const rate = (window: WindowFigures) => window.perSecond;
			const p50 = (window: WindowFigures) => window.p50Ms;
			const databaseCpu = (window: WindowFigures) => window.databaseCpu ?? Number.NaN;
			return [
				cell.workload,
				String(cell.clients),
				theirs,
				of('ours', rate),
				of('theirs', rate),
				ratio(pairs, rate),
				of('ours', p50),
				of('theirs', p50),
				of('ours', cpuOf),
				of('theirs', cpuOf),
				ratio(pairs, cpuOf),
				of('ours', databaseCpu),
				of('theirs', databaseCpu),
			];
		}),
	);
}
