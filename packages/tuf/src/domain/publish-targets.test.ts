import { generateSigner } from '@chancery/keys/file/generate';
import { CommitUnknownError } from '@chancery/postgres/pg-errors';
import type { Database, Sql } from '@chancery/postgres/sql';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Answer, DAY_MS, TestRepository, targetPath } from '../../test/repository.ts';
import { publishTargets } from './publish.ts';

const FILES = { 'trusted_root.json': '{"a":1}', 'rekor.pub': 'key' };

let repository: TestRepository;
beforeAll(async () => {
	repository = await TestRepository.open();
});
afterAll(() => repository.close());
beforeEach(async () => {
	await repository.reset();
	await repository.publishRoot();
});

/** Expects this error, and that nothing of the publication is visible. */
async function expectRefused(attempt: Promise<Answer>, status: number, reason: string, words: RegExp): Promise<void> {
	const before = await repository.versions();
	const answer = await attempt;
	expect(answer.status, JSON.stringify(answer.json)).toBe(status);
	expect(answer.json.type).toContain(reason);
	expect(answer.json.detail).toMatch(words);
	expect(await repository.versions()).toEqual(before);
	const [row] = await repository.data.database.query<{ n: number }>('select count(*)::int as n from tuf.target_file');
	expect(row?.n).toBe(Object.keys(before).length > 1 ? 2 : 0);
}

describe('targets', () => {
	it('are published with their files, and snapshot and timestamp follow', async () => {
		const answer = await repository.publishTargets(1, FILES);
		expect([answer.status, answer.json]).toEqual([201, { version: 1, snapshotVersion: 1, timestampVersion: 1 }]);
		for (const [name, content] of Object.entries(FILES))
			expect(Buffer.from((await repository.get(targetPath(name, content))).bytes).toString()).toBe(content);
		const { snapshot, timestamp } = await repository.published();
		expect(snapshot?.signed).toMatchObject({
			version: 1,
			expires: new Date(repository.nowMs + 30 * DAY_MS).toISOString().replace('.000', ''),
			meta: { 'targets.json': { version: 1 } },
		});
		expect(timestamp?.signed).toMatchObject({
			version: 1,
			expires: new Date(repository.nowMs + 7 * DAY_MS).toISOString().replace('.000', ''),
			meta: { 'snapshot.json': { version: 1 } },
		});
	});

	it('are published again, and every version stays', async () => {
		await repository.publishTargets(1, FILES);
		const first = await repository.get('/1.targets.json');
		const next = { ...FILES, 'trusted_root.json': '{"a":2}' };
		expect((await repository.publishTargets(2, next)).json).toEqual({
			version: 2,
			snapshotVersion: 2,
			timestampVersion: 2,
		});
		expect((await repository.get('/1.targets.json')).bytes).toEqual(first.bytes);
		expect((await repository.get(targetPath('trusted_root.json', '{"a":1}'))).status).toBe(200);
		expect((await repository.get(targetPath('trusted_root.json', '{"a":2}'))).status).toBe(200);
	});

	it('may be empty, and two names may hold the same bytes', async () => {
		expect((await repository.publishTargets(1, {})).status).toBe(201);
		expect((await repository.publishTargets(2, { a: 'same', b: 'same' })).status).toBe(201);
		expect((await repository.get(targetPath('b', 'same'))).status).toBe(200);
	});

	it('wait for a root', async () => {
		await repository.reset();
		await expectRefused(repository.publishTargets(1, FILES), 409, 'no-root', /publish the first root/);
	});

	it.each([2, 3])('cannot begin with version %d', async (version) => {
		await expectRefused(repository.publishTargets(version, FILES), 409, 'wrong-version', /is 1, not/);
	});

	it('cannot repeat a version or leave one out', async () => {
		await repository.publishTargets(1, FILES);
		await expectRefused(repository.publishTargets(1, FILES), 409, 'wrong-version', /is 2, not 1/);
		await expectRefused(repository.publishTargets(3, FILES), 409, 'wrong-version', /is 2, not 3/);
	});

	it('need the threshold of the targets keys', async () => {
		const [one, two] = repository.targetsKeys;
		const [root] = repository.rootKeys;
		for (const signers of [
			[one!],
			[one!, root!],
			[one!, repository.snapshotKey],
			[one!, generateSigner('ed25519')],
			[],
		]) {
			const targets = await repository.makeTargets(1, FILES, { signers });
			await expectRefused(repository.postTargets(targets, FILES), 403, 'threshold-not-met', /of the 2 keys/);
		}
		const twice = await repository.makeTargets(1, FILES, { signers: [one!, one!] });
		await expectRefused(repository.postTargets(twice, FILES), 400, 'invalid-metadata', /two signatures/);
		const good = await repository.makeTargets(1, FILES, { signers: [generateSigner('ed25519'), two!, one!] });
		expect((await repository.postTargets(good, FILES)).status).toBe(201);
	});

	it('must not have expired', async () => {
		const targets = await repository.makeTargets(1, FILES, { expiresInDays: 0 });
		await expectRefused(repository.postTargets(targets, FILES), 400, 'invalid-metadata', /expired/);
	});

	it.each([
		['a missing file', { 'rekor.pub': 'key' }, /trusted_root\.json is missing/],
		['a file too many', { ...FILES, more: 'x' }, /does not describe the file "more"/],
		['a file of another length', { ...FILES, 'rekor.pub': 'keys' }, /is not the one/],
		['a file of another content', { ...FILES, 'rekor.pub': 'yek' }, /is not the one/],
		['a file under another name', { 'trusted_root.json': '{"a":1}', 'rekor.pab': 'key' }, /rekor\.pub is missing/],
		['no file', {}, /is missing/],
	])('with %s are refused', async (_what, files, words) => {
		const targets = await repository.makeTargets(1, FILES);
		await expectRefused(repository.postTargets(targets, files), 400, 'invalid-target', words);
	});

	it('with a file given twice are refused', async () => {
		const targets = await repository.makeTargets(1, { a: 'x' });
		const file = { name: 'a', content: btoa('x') };
		await expectRefused(
			repository.post('/admin/v1/targets', { targets, files: [file, file] }),
			400,
			'invalid-target',
			/given twice/,
		);
	});

	it.each(['../x', 'a/b', 'A', '.a', '', '__proto__', 'a b', 'ä', 'a'.repeat(129)])(
		'with the name %j are refused',
		async (name) => {
			const change = <T extends object>(targets: T) => ({
				...targets,
				targets: Object.defineProperty({}, name, {
					enumerable: true,
					value: { length: 1, hashes: { sha256: '0'.repeat(64) } },
				}),
			});
			const targets = await repository.makeTargets(1, {}, { change });
			const answer = await repository.postTargets(targets, { [name]: 'x' });
			expect(answer.status).toBe(400);
			expect(await repository.versions()).toEqual({ root: 1 });
		},
	);

	it.each([
		['another hash', { hashes: { sha512: '0'.repeat(128) } }],
		['two hashes', { hashes: { sha256: '0'.repeat(64), sha512: '0'.repeat(128) } }],
		['a length with a fraction', { length: 0.5 }],
		['words of its own', { custom: { note: 'x' } }],
		['a usage that normalises differently', { custom: { sigstore: { usage: 'TSA', status: 'Active', uri: 'é' } } }],
	])('with %s are refused, because some clients would', async (_what, description) => {
		const change = <T extends object>(targets: T) => {
			const usual = { length: 1, hashes: { sha256: '0'.repeat(64) } };
			return { ...targets, targets: { a: { ...usual, ...description } } };
		};
		// Signing refuses some of these; then the signature does not matter.
		const targets = await repository
			.makeTargets(1, {}, { change })
			.catch(async () => ({ ...(await repository.makeTargets(1, {})), signed: change({}) }));
		const answer = await repository.postTargets(targets, { a: 'x' });
		expect(answer.status).toBe(400);
		expect(answer.json.type).toContain('invalid-metadata');
	});
});

describe('two publishers at once', () => {
	it('publish one completely: the other learns that it came second', async () => {
		const one = { 'trusted_root.json': 'one', 'one.json': '1' };
		const two = { 'trusted_root.json': 'two', 'two.json': '2' };
		const signed = await Promise.all([repository.makeTargets(1, one), repository.makeTargets(1, two)]);
		const answers = await Promise.all([repository.postTargets(signed[0], one), repository.postTargets(signed[1], two)]);
		expect(answers.map(({ status }) => status).sort()).toEqual([201, 409]);
		expect(answers.find(({ status }) => status === 409)?.json.type).toContain('wrong-version');
		const [winner, loser] = answers[0]?.status === 201 ? [one, two] : [two, one];
		expect(await repository.versions()).toEqual({ root: 1, targets: 1, snapshot: 1, timestamp: 1 });
		const status = async (files: Record<string, string>) =>
			Promise.all(Object.entries(files).map(async (file) => (await repository.get(targetPath(...file))).status));
		expect(await status(winner)).toEqual([200, 200]);
		expect(await status(loser)).toEqual([404, 404]);
	});
});

describe('a publication that ends in the middle', () => {
	it('leaves nothing, at whichever statement it ends', async () => {
		const targets = await repository.makeTargets(1, FILES);
		const files = Object.entries(FILES).map(([name, content]) => ({ name, content: Buffer.from(content) }));
		for (let statements = 0; statements < 5; statements++) {
			const failing = failingAfter(repository.data.database, statements);
			await expect(publishTargets(repository.depsOn(failing), targets, files)).rejects.toThrow('the server went away');
			expect(await repository.versions()).toEqual({ root: 1 });
			expect((await repository.get(targetPath('rekor.pub', 'key'))).status).toBe(404);
		}
		await repository.restart();
		expect((await repository.publishTargets(1, FILES)).status).toBe(201);
	});

	it('with an unknown outcome is reported as unknown', async () => {
		const targets = await repository.makeTargets(1, {});
		const { database } = repository.data;
		const unsure: Database = {
			query: (text, values) => database.query(text, values),
			close: () => database.close(),
			transaction: async (work) => {
				await database.transaction(work);
				throw new CommitUnknownError('the connection was lost');
			},
		};
		await expect(publishTargets(repository.depsOn(unsure), targets, [])).rejects.toMatchObject({ code: 'unavailable' });
		// It was published; the operator looks, and sees it.
		expect(await repository.versions()).toMatchObject({ targets: 1 });
	});
});

/** The same database, but its transactions lose their server after this many statements. */
function failingAfter(database: Database, statements: number): Database {
	return {
		query: (text, values) => database.query(text, values),
		close: () => database.close(),
		transaction: (work) =>
			database.transaction((sql) => {
				let left = statements;
				const limited: Sql = {
					query: (text, values) => {
						if (left-- === 0) throw new Error('the server went away');
						return sql.query(text, values);
					},
				};
				return work(limited);
			}),
	};
}
