/**
 * Makes every fault in a copy of the packages and runs the tests that have to notice: node main.ts [--page] [WORDS...]
 *
 * WORDS choose the faults whose names contain them. A fault that no test notices makes this fail; so do tests that fail
 * without any fault, because then a failure says nothing. `--page` only writes docs/faults.md.
 */
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startEmbedded } from '@chancery/postgres/embedded/embedded';
import { PackagesCopy } from './copy.ts';
import type { Fault } from './fault.ts';
import { FAULTS, renderPage } from './faults.ts';

const root = fileURLToPath(new URL('../../../../', import.meta.url));
/** Copies at work at the same time. */
const WORKERS = Number(process.env.MUTATION_WORKERS ?? 2);

const say = (line: string) => process.stdout.write(`${line}\n`);

interface Verdict {
	readonly fault: Fault;
	readonly caughtBy: string | undefined;
	readonly trouble: string | undefined;
}

async function main(words: readonly string[]): Promise<number> {
	const chosen = FAULTS.filter(({ name }) => words.every((word) => name.includes(word)));
	const tests = [...new Set(chosen.flatMap((fault) => fault.tests))];
	const folder = await mkdtemp(join(tmpdir(), 'chancery-mutation-'));
	// For root: the user the database server runs as has to pass.
	await chmod(folder, 0o711);
	const server = await startEmbedded({ dataDir: join(folder, 'database') });
	// The database goes along with a process that exits, not with one that a signal ends.
	for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
	try {
		const copies = await Promise.all(
			Array.from({ length: Math.max(1, WORKERS) }, (_, i) =>
				PackagesCopy.make(root, join(folder, `copy-${i}`), server.url('postgres')),
			),
		);
		say(`without a fault: ${tests.length} test files`);
		const sound = await copies[0]!.run(tests);
		if (sound.failed.length > 0 || sound.trouble !== undefined || sound.passed === 0) {
			say(`they do not pass as they are:\n${sound.failed.join('\n')}${sound.trouble ?? ''}`);
			return 1;
		}
		say(`${sound.passed} tests pass; now ${chosen.length} faults, one at a time`);
		const verdicts = await tryAll(chosen, copies);
		return report(verdicts);
	} finally {
		await server.stop();
		await rm(folder, { recursive: true, force: true });
	}
}

async function tryAll(faults: readonly Fault[], copies: readonly PackagesCopy[]): Promise<Verdict[]> {
	const waiting = [...faults];
	const verdicts: Verdict[] = [];
	await Promise.all(
		copies.map(async (copy) => {
			for (let fault = waiting.shift(); fault !== undefined; fault = waiting.shift()) {
				const { failed, trouble } = await copy.run(fault.tests, fault.edits);
				verdicts.push({ fault, caughtBy: failed[0], trouble });
				say(`${failed.length > 0 ? 'caught  ' : 'SURVIVED'} ${fault.invariant}. ${fault.name}`);
			}
		}),
	);
	return verdicts.sort((a, b) => faults.indexOf(a.fault) - faults.indexOf(b.fault));
}

function report(verdicts: readonly Verdict[]): number {
	say('');
	const width = Math.max(...verdicts.map(({ fault }) => fault.name.length));
	for (const { fault, caughtBy, trouble } of verdicts) {
		const result = caughtBy ?? `SURVIVED ${fault.tests.join(', ')}${trouble ? `\n${trouble}` : ''}`;
		say(`${fault.invariant}  ${fault.name.padEnd(width)}  ${result}`);
	}
	const survivors = verdicts.filter(({ caughtBy }) => caughtBy === undefined).length;
	say(`\n${verdicts.length - survivors} of ${verdicts.length} faults are caught`);
	return survivors === 0 ? 0 : 1;
}

const args = process.argv.slice(2);
if (args.includes('--page')) await writeFile(join(root, 'docs/faults.md'), renderPage(FAULTS));
else process.exitCode = await main(args);
