/**
 * Measures one cell: warm-up, several short windows, and the median of their figures. A window with an answer that did not verify ends
 * the whole run.
 */
import { ChanceryError } from '@chancery/core/chancery-error';
import { type Cell, nameOf } from './cells.ts';
import type { LoadProcess } from './load/load-process.ts';
import type { History, WindowReport } from './load/messages.ts';
import { WORKLOADS } from './load/workloads.ts';
import { usageOf } from './machine/cpu-time.ts';
import type { LoopFigures, ServerUnderTest } from './server/server-under-test.ts';
import { median, percentile } from './statistics.ts';

/** The figures of one window. Times in milliseconds; CPU in seconds per 1,000 acknowledged writes. */
export interface WindowFigures {
	readonly perSecond: number;
	readonly p50Ms: number;
	readonly p90Ms: number;
	readonly p99Ms: number;
	readonly maxMs: number;
	readonly serverCpu: number | undefined;
	/** Of the servers that it needs: the CT log of an authority. */
	readonly companionCpu: number | undefined;
	readonly databaseCpu: number | undefined;
	/** Of the load generator, in cores: what it took from the server on the same machine. */
	readonly loadCores: number | undefined;
	readonly serverResidentMiB: number | undefined;
	/** Its `cpuSeconds` are per 1,000 writes here. */
	readonly loop: LoopFigures | undefined;
	readonly acknowledged: number;
	readonly refused: number;
	readonly ranOut: boolean;
}

export interface CellFigures {
	readonly cell: Cell;
	readonly server: string;
	/** Each figure's median over the windows; `maxMs` is the largest of all. */
	readonly median: WindowFigures;
	readonly slowest: number;
	readonly fastest: number;
	readonly windows: readonly WindowFigures[];
	readonly verified: number;
	readonly history: History;
	readonly requestBytes: number;
	readonly answerBytes: number;
}

/** An answer did not verify, or was no valid answer. The run has no result. */
export class VerificationFailed extends ChanceryError<'not-verified'> {
	constructor(message: string, options?: ErrorOptions) {
		super('not-verified', message, options);
	}
}

export interface MeasureOptions {
	readonly warmUpMs: number;
	readonly windowMs: number;
	readonly runs: number;
	/** Path for the profile of the last window; that of a companion is beside it. */
	readonly profileTo?: string | undefined;
}

/** More than a window can use, so that it does not end early. */
const MARGIN = 1.5;

/** Remembers the expected rate of each kind of load. */
export class Measurement {
	readonly #load: LoadProcess;
	readonly #rates = new Map<string, number>();
	#acknowledged = 0;

	constructor(load: LoadProcess) {
		this.#load = load;
	}

	/** Every write that was ever acknowledged and leaves a row, also in warm-ups. */
	get acknowledged(): number {
		return this.#acknowledged;
	}

	/** @throws {VerificationFailed} */
	async measure(server: ServerUnderTest, cell: Cell, options: MeasureOptions): Promise<CellFigures> {
		const { warmUpMs, windowMs, runs, profileTo } = options;
		await this.window(server, cell, warmUpMs);
		const windows: WindowFigures[] = [];
		let last: WindowReport | undefined;
		let verified = 0;
		for (let run = 1; run <= runs; run++) {
			const isProfiled = profileTo !== undefined && run === runs;
			if (isProfiled) await Promise.all([server.probe?.startProfile(), server.companionProbe?.startProfile()]);
			const { figures, report } = await this.window(server, cell, windowMs);
			if (isProfiled) {
				await server.probe?.stopProfile(profileTo);
				await server.companionProbe?.stopProfile(`${profileTo}.companion`);
			}
			// Sampling slows the server down.
			if (!isProfiled || runs === 1) windows.push(figures);
			verified += report.verified;
			last = report;
		}
		if (last === undefined) throw new Error('a cell needs at least one window');
		return summarise(server, cell, windows, { verified, last });
	}

	/** One window of load. @throws {VerificationFailed} */
	async window(
		server: ServerUnderTest,
		cell: Cell,
		windowMs: number,
	): Promise<{ figures: WindowFigures; report: WindowReport }> {
		const { workload, clients } = cell;
		const rateName = `${server.name} ${nameOf(cell)}`;
		const { wire, firstRate, mostPrepared = Number.POSITIVE_INFINITY, isStored = true } = WORKLOADS[workload]!;
		const target = server.target(wire);
		const rate = this.#rates.get(rateName) ?? Math.min(firstRate, 1_000 * clients);
		const wanted = Math.ceil((rate * MARGIN * windowMs) / 1000) + 2 * clients;
		await this.#load.prepare(target, workload, Math.min(wanted, mostPrepared));

		const roots = [server.databasePid ?? 0, this.#load.pid, ...server.pids];
		await server.probe?.resetLoop();
		const before = usageOf(roots);
		await this.#load.window(target, { workload, clients, windowMs });
		const after = usageOf(roots);
		const loop = await server.probe?.readLoop();
		const report = await this.#load.verify();
		if (isStored) this.#acknowledged += report.answered;
		this.#rates.set(rateName, report.acknowledged / (report.elapsedMs / 1000));
		if (report.complaints.length > 0)
			throw new VerificationFailed(`${server.name}, ${nameOf(cell)}: ${report.complaints.join('; ')}`);

		const spent = (i: number) => {
			const [first, last] = [before[i], after[i]];
			return first && last ? last.cpuSeconds - first.cpuSeconds : undefined;
		};
		const [own, ...others] = server.pids.map((_, i) => spent(i + 2));
		const perThousand = (seconds: number | undefined) =>
			seconds === undefined ? undefined : (seconds * 1000) / report.answered;
		const { latenciesMs, elapsedMs } = report;
		const loadSeconds = spent(1);
		const figures: WindowFigures = {
			perSecond: (report.acknowledged * 1000) / elapsedMs,
			p50Ms: percentile(latenciesMs, 0.5),
			p90Ms: percentile(latenciesMs, 0.9),
			p99Ms: percentile(latenciesMs, 0.99),
			maxMs: percentile(latenciesMs, 1),
			serverCpu: perThousand(own),
			companionCpu: others.length === 0 ? undefined : perThousand(others.reduce((sum = 0, one = 0) => sum + one, 0)),
			databaseCpu: server.databasePid === undefined ? undefined : perThousand(spent(0)),
			loadCores: loadSeconds === undefined ? undefined : (loadSeconds * 1000) / elapsedMs,
			serverResidentMiB: after[2] && after[2].residentBytes / 2 ** 20,
			loop: loop && { ...loop, cpuSeconds: (loop.cpuSeconds * 1000) / report.answered },
			acknowledged: report.acknowledged,
			refused: report.refused,
			ranOut: report.ranOut,
		};
		return { figures, report };
	}
}

function summarise(
	server: ServerUnderTest,
	cell: Cell,
	windows: readonly WindowFigures[],
	seen: { readonly verified: number; readonly last: WindowReport },
): CellFigures {
	const rates = windows.map((window) => window.perSecond);
	return {
		cell,
		server: server.name,
		median: medianOf(windows),
		slowest: Math.min(...rates),
		fastest: Math.max(...rates),
		windows,
		verified: seen.verified,
		history: seen.last.history,
		requestBytes: seen.last.requestBytes,
		answerBytes: seen.last.answerBytes,
	};
}

function medianOf(windows: readonly WindowFigures[]): WindowFigures {
	const of = (read: (window: WindowFigures) => number) => median(windows.map(read));
	const known = (read: (window: WindowFigures) => number | undefined) => {
		const values = windows.map(read).filter((value) => value !== undefined);
		return values.length === 0 ? undefined : median(values);
	};
	const loops = windows.map((window) => window.loop).filter((loop) => loop !== undefined);
	return {
		perSecond: of((window) => window.perSecond),
		p50Ms: of((window) => window.p50Ms),
		p90Ms: of((window) => window.p90Ms),
		p99Ms: of((window) => window.p99Ms),
		maxMs: Math.max(...windows.map((window) => window.maxMs)),
		serverCpu: known((window) => window.serverCpu),
		companionCpu: known((window) => window.companionCpu),
		databaseCpu: known((window) => window.databaseCpu),
		loadCores: known((window) => window.loadCores),
		serverResidentMiB: known((window) => window.serverResidentMiB),
		loop:
			loops.length === 0
				? undefined
				: {
						cpuSeconds: median(loops.map((loop) => loop.cpuSeconds)),
						p50Ms: median(loops.map((loop) => loop.p50Ms)),
						p99Ms: median(loops.map((loop) => loop.p99Ms)),
						maxMs: Math.max(...loops.map((loop) => loop.maxMs)),
					},
		acknowledged: windows.reduce((sum, window) => sum + window.acknowledged, 0),
		refused: windows.reduce((sum, window) => sum + window.refused, 0),
		ranOut: windows.some((window) => window.ranOut),
	};
}
