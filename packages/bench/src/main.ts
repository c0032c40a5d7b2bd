/**
 * `npm run bench`: load whose answers are verified, with figures. Exit codes: 0 everything verified, 1 an answer did not verify or
 * the run failed, 2 wrong usage.
 */
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { findPeer } from '@chancery/testkit/peers/find-peer';
import { chooseCells, nameOf } from './cells.ts';
import { comparisonTable, runComparison } from './comparison.ts';
import { growthTable, runGrowth } from './growth/growth.ts';
import { calibrate, isNoisy } from './machine/calibration.ts';
import { describeMachine, type Machine, measureSyncMs, QUIET_LOAD } from './machine/machine.ts';
import { runMatrix } from './matrix.ts';
import { VerificationFailed } from './measurement.ts';
import { type BenchOptions, parseOptions, USAGE, UsageError } from './options.ts';
import { sourceOf } from './peers.ts';
import { cellTable } from './report/cell-table.ts';
import { print, progress } from './report/printing.ts';
import { figure } from './report/table.ts';

try {
	const options = parseOptions(process.argv.slice(2));
	if (options.help) print(USAGE);
	else if (options.list) for (const cell of chooseCells(options)) print(nameOf(cell));
	else await run(await withProgram(options));
} catch (error) {
	process.exitCode = error instanceof UsageError ? 2 : 1;
	if (error instanceof UsageError) progress(`${error.message}\n\n${USAGE}`);
	else if (error instanceof VerificationFailed) progress(`NOT VERIFIED: ${error.message}`);
	else progress(error instanceof Error ? (error.stack ?? error.message) : String(error));
}

/**
 * The options, with the pinned program of the peer when they name none; it is built before anything is measured.
 * @throws {Error} when the program cannot be built; says why
 */
async function withProgram(options: BenchOptions): Promise<BenchOptions> {
	if (options.against === undefined || options.bin !== undefined) return options;
	const found = await findPeer(options.against, sourceOf(options.against));
	if ('notRun' in found) throw new Error(found.notRun);
	return { ...options, bin: found.path };
}

async function run(options: BenchOptions): Promise<void> {
	const machine = await describeMachine();
	const folder = await mkdtemp(join(options.dataFolder ?? tmpdir(), 'chancery-bench-'));
	// For root: the database's user must be able to enter, or the database would be elsewhere and stay.
	await chmod(folder, 0o711);
	try {
		const syncMs = measureSyncMs(folder);
		const first = calibrate();
		printMachine(machine, syncMs);
		const result = await measureAndPrint(options, join(folder, 'instances'));
		const last = calibrate();
		const isNoise = isNoisy(first, last);
		print(
			`one core   ${figure(first.verifies)} P-256 verifications and ${figure(first.hashes)} hashes per CPU second, ` +
				`${figure(last.verifies)} and ${figure(last.hashes)} at the end${isNoise ? ': NOISY, the machine changed meanwhile' : ''}`,
		);
		print(`load       ${figure(machine.loadAverage)} before, ${figure(loadavg()[0])} at the end (with ours)`);
		warnAboutLoad(machine);
		if (options.jsonFile !== undefined) {
			const report = { machine, syncMs, calibration: { first, last, isNoise }, options, ...result };
			await writeFile(options.jsonFile, `${JSON.stringify(report, undefined, '\t')}\n`);
		}
	} finally {
		await rm(folder, { recursive: true, force: true });
	}
}

async function measureAndPrint(options: BenchOptions, folder: string): Promise<object> {
	if (options.against !== undefined) {
		const result = await runComparison(options, options.against, options.bin ?? options.against, folder);
		for (const [server, settings] of Object.entries(result.settings)) printSettings(settings, server);
		print(`\n${comparisonTable(result.comparisons)}\n\nverified   all answers of both sides (100 %)`);
		print('rekor v1   not measured (README.md says why)');
		return result;
	}
	if (options.grow !== undefined) {
		const result = await runGrowth(options, options.grow, folder);
		printSettings(result.settings);
		print(`\n${growthTable(result.points)}\n`);
		printVerified(
			result.points.flatMap(({ cells }) => cells),
			[['log', result.storedEntries]],
		);
		return result;
	}
	const result = await runMatrix(chooseCells(options), options, folder, ({ cell, median }) =>
		progress(
			`${nameOf(cell)}: ${figure(median.perSecond)}/s, p50 ${figure(median.p50Ms)}, p99 ${figure(median.p99Ms)} ms`,
		),
	);
	printSettings(result.settings);
	print(`\n${cellTable(result.cells)}\n`);
	if (result.cells.some(({ median }) => median.ranOut))
		print('*          the prepared requests ran out before the window did');
	printVerified(result.cells, Object.entries(result.stored));
	return result;
}

function printSettings(settings: Readonly<Record<string, string>>, server = 'settings'): void {
	const pairs = Object.entries(settings).map(([name, value]) => `${name}=${value}`);
	print(`${server.padEnd(10)} ${pairs.join('  ')}`);
}

function printVerified(
	cells: readonly { readonly verified: number }[],
	stored: readonly (readonly [service: string, rows: number])[],
): void {
	const verified = cells.reduce((sum, cell) => sum + cell.verified, 0);
	const held = stored.map(([service, rows]) => `${rows.toLocaleString('en-US')} (${service})`);
	print(
		`verified   all ${verified.toLocaleString('en-US')} answers of the windows, and those of the warm-ups (100 %)` +
			(held.length > 0
				? `; the database holds what was acknowledged and nothing else: ${held.join(', ')} entries`
				: ''),
	);
}

function printMachine(machine: Machine, syncMs: number): void {
	print(`machine    ${machine.cpu}, ${machine.cores} cores, ${machine.memoryGiB} GiB, Linux ${machine.kernel}`);
	print(`versions   node ${machine.node}, OpenSSL ${machine.openssl}, commit ${machine.commit}`);
	print(`disk       fdatasync of 8 kB takes ${figure(syncMs)} ms`);
	print(`others     load average ${figure(machine.loadAverage)} before; ${machine.busiest.join(', ') || 'nobody'}`);
	warnAboutLoad(machine);
}

function warnAboutLoad({ loadAverage }: Machine): void {
	if (loadAverage > QUIET_LOAD)
		print(`WARNING    the load average was ${figure(loadAverage)} before the start: these figures mean little`);
}
