/**
 * A program and a database that is not its own: the released version goes on under migrations of this one, as in a
 * rolling upgrade, and whichever of the two is older than its database refuses by name and changes nothing.
 */
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fill, KINDS } from './fill.ts';
import { FILLED_WITHIN_MS, type FilledInstance, openFilledInstance } from './filled-instance.ts';
import { enterNewerMigration, type Ledger, readKept, readLedgers, removeNewerMigration } from './newer-schema.ts';
import { openOldProgram } from './old-program.ts';
import { NEW_PROGRAM, type Outcome, type Program, run, runOrThrow, startUp } from './program.ts';
import { openReader } from './reader.ts';
import { differences, record } from './recording.ts';
import { openSubmissions } from './submissions.ts';

/** Those with a schema of their name. */
const STORING_SERVICES = ['ca', 'ctlog', 'identity', 'log', 'tuf'];
const NEW_ENTRIES = 200;
/** Each schema twice, with several starts of the database around it. */
const REFUSALS_WITHIN_MS = 300_000;

let filled: FilledInstance;
let oldProgram: Program;

// One data folder, in the order of the tests: the released version has it, this one migrates it and takes it over.
beforeAll(async () => {
	oldProgram = await openOldProgram();
	filled = await openFilledInstance(console.info);
}, FILLED_WITHIN_MS);

afterAll(async () => {
	if (filled) await rm(filled.base, { recursive: true, force: true });
});

describe('the released version', () => {
	let before: readonly Ledger[];

	it(
		'refuses a database in which a schema is newer',
		async () => {
			before = await readLedgers(filled.place);
			await refusesEverySchema(oldProgram, before);
		},
		REFUSALS_WITHIN_MS,
	);

	it('refuses a data folder of a newer format', async () => {
		const { stderr, path } = await refusesNewerFormat(oldProgram);
		expect(stderr).toContain(`${path} is not the record of an instance that this version can continue`);
	});

	it('accepts entries and answers as before while this version migrates its database', async () => {
		const instance = await startUp(oldProgram, filled.place);
		const reader = openReader(instance.urls);
		try {
			const config = join(filled.base, 'chancery.yaml');
			await writeFile(config, JSON.stringify(await migrationConfig()), { mode: 0o600 });
			const said = await runOrThrow(NEW_PROGRAM, filled.place, ['migrate', '--config', config]);
			for (const service of STORING_SERVICES) expect(said).toMatch(new RegExp(`^${service}\\b`, 'm'));

			const make = await openSubmissions('while it is rolled out', filled.place.data);
			const samples = await fill(instance.urls, make, NEW_ENTRIES);
			expect(new Set(samples.map(({ submission }) => submission.kind))).toEqual(new Set(KINDS));
			const answers = filled.recorded.answers.filter((_, at) => at % 5 === 0);
			const requests = answers.map(({ request }) => request);
			expect(differences(answers, await record(reader, requests))).toEqual([]);
		} finally {
			reader.close();
			expect(await instance.stop()).toBe(0);
		}
	});

	it('starts again where nothing was migrated, and otherwise names a schema that it does not know', async () => {
		const now = await readLedgers(filled.place);
		const newer = now.filter((ledger) => !before.some((known) => JSON.stringify(known) === JSON.stringify(ledger)));
		const { code, stderr } = await run(oldProgram, filled.place, ['up', '--data', filled.place.data, '--once']);
		expect(code, stderr).toBe(newer.length === 0 ? 0 : 1);
		const names = newer.map(({ schema }) => schema).join('|');
		if (newer.length > 0) expect(stderr).toMatch(new RegExp(`schema (${names}) has migration`));
	});
});

describe('this version', () => {
	it('takes over what it has migrated', async () => {
		await runOrThrow(NEW_PROGRAM, filled.place, ['up', '--data', filled.place.data, '--once']);
	});

	it(
		'refuses a database in which a schema is newer',
		async () => {
			await refusesEverySchema(NEW_PROGRAM, await readLedgers(filled.place));
		},
		REFUSALS_WITHIN_MS,
	);

	it('refuses a data folder of a newer format', async () => {
		const { stderr, path } = await refusesNewerFormat(NEW_PROGRAM);
		expect(stderr).toContain(`${path} has format 2`);
	});

	it('continues when what it does not know is gone', async () => {
		await runOrThrow(NEW_PROGRAM, filled.place, ['up', '--data', filled.place.data, '--once']);
	});
});

async function refusesEverySchema(program: Program, ledgers: readonly Ledger[]): Promise<void> {
	expect(ledgers.map(({ schema }) => schema)).toEqual(expect.arrayContaining(STORING_SERVICES));
	for (const ledger of ledgers) {
		const name = await enterNewerMigration(filled.place, ledger);
		const { stderr } = await refusesUnchanged(program);
		const sentence = stderr.trim().split('\n').at(-1);
		expect(sentence).toContain(`schema ${ledger.schema} has migration ${name} of ${ledger.component}`);
		await removeNewerMigration(filled.place, ledger);
	}
}

async function refusesNewerFormat(program: Program): Promise<{ stderr: string; path: string }> {
	const path = join(filled.place.data, 'chancery.json');
	const text = await readFile(path, 'utf8');
	await writeFile(path, JSON.stringify({ ...JSON.parse(text), format: 2 }), { mode: 0o600 });
	const { stderr } = await refusesUnchanged(program);
	await writeFile(path, text, { mode: 0o600 });
	return { stderr, path };
}

/** `up` with the documented exit code of a refusal, and nothing of the instance changed. */
async function refusesUnchanged(program: Program): Promise<Outcome> {
	const kept = await readKept(filled.place);
	const refused = await run(program, filled.place, ['up', '--data', filled.place.data]);
	expect(refused, program.name).toMatchObject({ code: 1, stdout: '' });
	expect(await readKept(filled.place)).toEqual(kept);
	return refused;
}

/** Of the running database, at the socket that its record names, as an operator writes it for `chancery migrate`. */
async function migrationConfig(): Promise<object> {
	const { runtimeDir } = JSON.parse(await readFile(join(filled.place.data, 'postgres/embedded.json'), 'utf8'));
	const url = `postgresql:///chancery?host=${encodeURIComponent(runtimeDir)}&port=5432&user=chancery`;
	const sections = Object.fromEntries(STORING_SERVICES.map((service) => [service, {}]));
	return { profile: 'development', database: { url }, ...sections };
}
