/**
 * A program and a database that is not its own: the released version goes on under migrations of this one, as in a
 * rolling upgrade, and whichever of the two is older than its database refuses by name and changes nothing.
 */
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fill, KINDS } from './fill.ts';
import { FILLED_WITHIN_MS, type FilledInstance, openFilledInstance } from './filled-instance.ts';
import {
	enterNewerMigration,
	type Ledger,
	readKept,
	readLedgers,
	removeNewerMigration,
	withDatabase,
} from './newer-schema.ts';
import { openOldProgram } from './old-program.ts';
import { NEW_PROGRAM, type Program, run, runOrThrow, startUp } from './program.ts';
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
			before = await withDatabase(filled.place, readLedgers);
			await refusesEverySchema(oldProgram);
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
		const now = await withDatabase(filled.place, readLedgers);
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
			await refusesEverySchema(NEW_PROGRAM);
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

async function refusesEverySchema(program: Program): Promise<void> {
	const ledgers = await withDatabase(filled.place, readLedgers);
	expect(ledgers.map(({ schema }) => schema)).toEqual(expect.arrayContaining(STORING_SERVICES));
	for (const ledger of ledgers) {
		const { name, kept } = await withDatabase(filled.place, async (database) => ({
			name: await enterNewerMigration(database, ledger),
			kept: await readKept(filled.place, database),
		}));
		const stderr = await refuse(program);
		const sentence = stderr.trim().split('\n').at(-1);
		expect(sentence).toContain(`schema ${ledger.schema} has migration ${name} of ${ledger.component}`);
		await withDatabase(filled.place, async (database) => {
			expect(await readKept(filled.place, database)).toEqual(kept);
			await removeNewerMigration(database, ledger);
		});
	}
}

/** @returns what it says, with the path of the record */
async function refusesNewerFormat(program: Program): Promise<{ stderr: string; path: string }> {
	const path = join(filled.place.data, 'chancery.json');
	const text = await readFile(path, 'utf8');
	await writeFile(path, JSON.stringify({ ...JSON.parse(text), format: 2 }), { mode: 0o600 });
	const look = () => withDatabase(filled.place, (database) => readKept(filled.place, database));
	const kept = await look();
	const stderr = await refuse(program);
	expect(await look()).toEqual(kept);
	await writeFile(path, text, { mode: 0o600 });
	return { stderr, path };
}

/** `up`, with the documented exit code of a refusal. @returns what it says */
async function refuse(program: Program): Promise<string> {
	const refused = await run(program, filled.place, ['up', '--data', filled.place.data]);
	expect(refused, program.name).toMatchObject({ code: 1, stdout: '' });
	return refused.stderr;
}

/** Of the running database, at the socket that its record names, as an operator writes it for `chancery migrate`. */
async function migrationConfig(): Promise<object> {
	const { runtimeDir } = JSON.parse(await readFile(join(filled.place.data, 'postgres/embedded.json'), 'utf8'));
	const url = `postgresql:///chancery?host=${encodeURIComponent(runtimeDir)}&port=5432&user=chancery`;
	const sections = Object.fromEntries(STORING_SERVICES.map((service) => [service, {}]));
	return { profile: 'development', database: { url }, ...sections };
}
