/** What an operator may declare to be the true repository, and what stays recorded of what clients have seen. */
import { createHash } from 'node:crypto';
import { rmSync, writeFileSync } from 'node:fs';
import { openFileMark, readFileMark } from '@chancery/postgres/mark/file-mark';
import { MarkInUseError } from '@chancery/postgres/mark/mark';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { TestRepository } from '../../test/repository.ts';
import { adoptRepository } from './adopt-repository.ts';

let repository: TestRepository;
beforeAll(async () => {
	repository = await TestRepository.open();
});
afterAll(() => repository.close());

/** Root 2, targets 1, snapshot 1, timestamp 2, as clients have seen them. */
beforeEach(async () => {
	await repository.reset();
	expect((await repository.publishRoot()).status).toBe(201);
	expect((await repository.publishTargets(1, { a: 'x' })).status).toBe(201);
	expect((await repository.publishRoot({ version: 2 })).status).toBe(201);
});

const query = (sql: string) => repository.data.database.query(sql);
const NEWEST = `role in ('timestamp', 'root') and version > 1`;

describe('what clients have seen, when an operator decides', () => {
	const adopt = (body: object) => repository.post('/admin/v1/adoptions', { reason: 'disk lost', ...body });
	const sha256Of = async (path: string) =>
		createHash('sha256')
			.update((await repository.get(path)).bytes)
			.digest('hex');

	it('is remembered by the process that published it, when mark and database are lost together, and others are asked for', async () => {
		for (let version = 2; version <= 8; version++)
			expect((await repository.publishTargets(version, { a: 'x' })).status).toBe(201);
		expect(await repository.versions()).toEqual({ root: 2, targets: 8, snapshot: 8, timestamp: 9 });
		await repository.goBack(`role = 'timestamp' and version > 4 or role in ('targets', 'snapshot') and version > 3`);
		rmSync(repository.markFile);
		expect((await repository.publishTargets(2, { a: 'y' })).json.detail).toMatch(/^missing: /);
		// Another process of this host may have published more.
		expect((await adopt({ timestamp: 4 })).json).toMatchObject({ status: 409, reason: 'seen-unknown' });
		const adopted = await adopt({ timestamp: 4, seen: 'nothing-newer' });
		expect([adopted.status, adopted.json]).toEqual([
			201,
			{
				previous: null,
				seen: { root: 2, snapshot: 8, targets: 8, timestamp: 9 },
				adopted: { root: 2, snapshot: 3, targets: 3, timestamp: 4 },
			},
		]);
		expect((await repository.publishTargets(9, { a: 'y' })).json).toEqual({
			version: 9,
			snapshotVersion: 9,
			timestampVersion: 10,
		});
		await query('drop table taken');
	});

	it.each([
		['lost', async () => rmSync(repository.markFile), /there is no mark/],
		['damaged', async () => writeFileSync(repository.markFile, '{'), /cannot be made out/],
		[
			'of another repository',
			async () => {
				const place = await repository.takeMark();
				await place.replace({
					...(await readFileMark(repository.markFile))!,
					keyId: new Uint8Array(32),
					origin: 'http://elsewhere.test',
				});
			},
			/belongs to another repository, http:\/\/elsewhere\.test/,
		],
		[
			'of no repository',
			async () => {
				const place = await repository.takeMark();
				await place.replace({
					...(await readFileMark(repository.markFile))!,
					note: Buffer.from('log.example\n2\nAAAA\n'),
				});
			},
			/is not that of a TUF repository/,
		],
	])('is stated by them after a start with a mark that is %s', async (_what, lose, words) => {
		const lost = await sha256Of('/2.root.json');
		await repository.goBack(NEWEST);
		await lose();
		await repository.restart();
		const refused = await adopt({ timestamp: 1 });
		expect(refused.json).toMatchObject({ status: 409, reason: 'seen-unknown' });
		expect(refused.json.detail).toMatch(words);
		expect(refused.json.detail).toMatch(/state the newest versions .* or .*'nothing-newer'/);
		expect(await query('select * from tuf.adoption')).toEqual([]);

		const seen = { root: { version: 2, sha256: lost }, targets: 1, snapshot: 4, timestamp: 7 };
		expect((await adopt({ timestamp: 1, seen })).json).toMatchObject({
			previous: null,
			seen: { root: 2, targets: 1, snapshot: 4, timestamp: 7 },
		});
		expect((await repository.publishRoot({ version: 2 })).status).toBe(201);
		expect((await repository.publishTargets(2, { a: 'y' })).json).toMatchObject({
			snapshotVersion: 5,
			timestampVersion: 9,
		});
		await query('drop table taken');
	});

	it('may be nothing newer than the database, when they say so', async () => {
		rmSync(repository.markFile);
		await repository.restart();
		expect((await adopt({ timestamp: 2 })).json).toMatchObject({ status: 409, reason: 'seen-unknown' });
		expect((await adopt({ timestamp: 2, seen: 'nothing-newer' })).json).toMatchObject({ previous: null, seen: {} });
		expect((await repository.publishRoot({ version: 3 })).status).toBe(201);
	});

	it('is never less than the mark says', async () => {
		await repository.goBack(NEWEST);
		await repository.restart();
		const sha256 = '0'.repeat(64);
		const seen = { root: { version: 1, sha256 }, targets: 0, snapshot: 3, timestamp: 0 };
		expect((await adopt({ timestamp: 1, seen })).json).toMatchObject({
			seen: { root: 2, targets: 1, snapshot: 3, timestamp: 2 },
		});
		await query('drop table taken');
	});

	it.each([
		['a version beyond those that have file names', { targets: 1, snapshot: 1, timestamp: 100_000_000 }],
		['a role left out', { targets: 1, snapshot: 1 }],
		['a root without its hash', { root: { version: 2 }, targets: 1, snapshot: 1, timestamp: 1 }],
		['another word', 'nothing'],
	])('is not %s', async (_what, seen) => {
		const root = { version: 2, sha256: '0'.repeat(64) };
		const answer = await adopt({ timestamp: 2, seen: typeof seen === 'string' ? seen : { root, ...seen } });
		expect(answer.status).toBe(400);
	});

	it('is not asked while another process has the mark', async () => {
		const { database } = repository.data;
		const order = { database, origin: 'http://tuf.test', expect: 2, known: new Map(), stated: undefined, reason: 'x' };
		await expect(adoptRepository({ ...order, mark: openFileMark(repository.markFile) })).rejects.toBeInstanceOf(
			MarkInUseError,
		);
	});

	it('holds for roots byte for byte, and before any targets', async () => {
		await repository.goBack(NEWEST);
		await repository.restart();
		expect((await adopt({ timestamp: 1 })).status).toBe(201);
		const targets = await repository.publishTargets(2, { a: 'y' });
		expect(targets.json).toMatchObject({ status: 409, reason: 'lost-root' });
		expect(targets.json.detail).toMatch(/clients have seen root 2, and the newest here is root 1; publish each root/);
		const other = await repository.publishRoot({ version: 2, expiresInDays: 100 });
		expect(other.json).toMatchObject({ status: 409, reason: 'lost-root' });
		expect(other.json.detail).toMatch(/seen root 2 with SHA-256 [0-9a-f]{64}, and this one has .* byte for byte/);
		expect(await repository.versions()).toMatchObject({ root: 1, targets: 1, timestamp: 1 });

		expect((await repository.publishRoot({ version: 2 })).status).toBe(201);
		expect((await repository.publishTargets(2, { a: 'y' })).status).toBe(201);
		expect((await repository.publishRoot({ version: 3, expiresInDays: 100 })).status).toBe(201);
		await query('drop table taken');
	});
});
