/** A repository whose database was set back, exchanged or lost its mark, and what it does then. */
import { createHash } from 'node:crypto';
import { rmSync, writeFileSync } from 'node:fs';
import { openFileMark } from '@chancery/postgres/file-mark';
import { type AdoptableMarkStore, MarkError, MarkInUseError } from '@chancery/postgres/mark';
import { openMarkDatabase } from '@chancery/postgres/mark-database';
import { createTestDatabase } from '@chancery/postgres/test-database';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { DAY_MS, TestRepository } from '../../test/repository.ts';
import { adoptRepository } from './adopt-repository.ts';
import { publishRoot, renewOnlineMetadata } from './publish.ts';
import { RepositoryMark } from './repository-mark.ts';

let repository: TestRepository;
beforeAll(async () => {
	repository = await TestRepository.open();
});
afterAll(() => repository.close());

/** Root 2, targets 1, snapshot 1, timestamp 2, as the world has seen them. */
beforeEach(async () => {
	await repository.reset();
	expect((await repository.publishRoot()).status).toBe(201);
	expect((await repository.publishTargets(1, { a: 'x' })).status).toBe(201);
	expect((await repository.publishRoot({ version: 2 })).status).toBe(201);
});

const query = (sql: string) => repository.data.database.query(sql);
/** What a restored backup does, or a standby that was behind; gives back what it took. */
async function goBack(where: string): Promise<() => Promise<void>> {
	await query(`create table taken as select * from tuf.metadata where ${where}`);
	await query('alter table tuf.metadata disable trigger user');
	await query(`delete from tuf.metadata where ${where}`);
	await query('alter table tuf.metadata enable trigger user');
	return async () => {
		await query('insert into tuf.metadata select * from taken on conflict do nothing');
		await query('drop table taken');
	};
}
const NEWEST = `role in ('timestamp', 'root') and version > 1`;

const readable = async () => (await repository.get('/timestamp.json')).status;
const health = async () => (await repository.service.health()).checks.mark!;

/** Everything a repository does when it is not the one that the world has seen. */
async function expectSilence(words: RegExp): Promise<void> {
	const refused = await repository.publishRoot({ version: 2, expiresInDays: 200 });
	expect(refused.status).toBe(503);
	expect(refused.headers['retry-after']).toBe('30');
	expect(refused.json).toMatchObject({ reason: 'repository-read-only' });
	expect(refused.json.detail).toMatch(words);
	expect(refused.json.detail).toMatch(/adopt-repository/);
	for (const path of ['/timestamp.json', '/root.json', '/1.root.json', '/2.root.json', '/3.root.json']) {
		const answer = await repository.get(path);
		expect([path, answer.status]).toEqual([path, 503]);
		expect(String(Buffer.from(answer.bytes))).toMatch(words);
	}
	const proposal = await repository.post('/admin/v1/proposals', {});
	expect(proposal.json).toMatchObject({ status: 503, reason: 'repository-read-only' });
	repository.nowMs += 2 * DAY_MS;
	await expect(renewOnlineMetadata(repository.deps)).rejects.toMatchObject({ code: 'repository-read-only' });
	expect(await health()).toMatchObject({ ok: false, detail: expect.stringMatching(words) });
	expect((await repository.service.health()).ready).toBe(false);
}

describe('a database that was set back', () => {
	it.each(['while the service ran', 'before it was started'])(
		'%s publishes nothing and serves nothing, and goes on when the newest is back',
		async (when) => {
			const giveBack = await goBack(NEWEST);
			if (when === 'before it was started') await repository.restart();
			const before = await repository.versions();
			await expectSilence(/rolled-back: .*root 2.*does not hold (root|timestamp) 2/);
			expect(await repository.versions()).toEqual(before);
			await giveBack();
			expect((await repository.publishRoot({ version: 3 })).status).toBe(201);
			expect(await repository.versions()).toMatchObject({ root: 3, timestamp: 3 });
			expect(await readable()).toBe(200);
			expect(await health()).toEqual({ ok: true, detail: 'fits the database' });
		},
	);

	it('to before anything was published is no new repository', async () => {
		const giveBack = await goBack('true');
		await repository.restart();
		expect(await repository.publishRoot()).toMatchObject({ status: 503 });
		expect(await readable()).toBe(503);
		await giveBack();
	});

	it('and published from since, by whoever did not look at the mark, is a fork', async () => {
		const giveBack = await goBack(NEWEST);
		for (const role of ['root', 'timestamp'])
			await query(
				`insert into tuf.metadata select role, 2, content || '\\x0a', expires_at, published_at from tuf.metadata
				where role = '${role}' and version = 1`,
			);
		await repository.restart();
		await expectSilence(/forked: (root|timestamp) 2 was published with SHA-256/);
		await query('drop table taken');
		expect(giveBack).toBeTypeOf('function');
	});

	it('between the look at it and the transaction publishes nothing either', async () => {
		const { database } = repository.data;
		let giveBack: (() => Promise<void>) | undefined;
		const failsOver = repository.depsOn({
			...database,
			query: (text, values) => database.query(text, values),
			transaction: async (work) => {
				giveBack = await goBack(`role = 'root' and version > 1`);
				return database.transaction(work);
			},
		});
		const root = await repository.makeRoot({ version: 3 });
		await expect(publishRoot(failsOver, root)).rejects.toMatchObject({ code: 'repository-read-only' });
		await giveBack!();
		expect(await repository.versions()).toMatchObject({ root: 2 });
	});
});

describe('a crash between COMMIT and mark', () => {
	it('shows nobody what the mark does not cover, and the next start marks it', async () => {
		const place = openFileMark(repository.markFile.replace('tuf.mark', 'other.mark'));
		await place.advance((await openedMark())!);
		let isBroken = true;
		const failing: AdoptableMarkStore = {
			...place,
			holder: async () =>
				(await repository.data.database.query<{ holder: string }>('select holder from tuf.tuf_mark_holder'))[0]!.holder,
			advance: async (mark) => {
				if (isBroken) throw new MarkError('no space left on the device');
				await place.advance(mark);
			},
		};
		await repository.restart({ mark: failing });
		const published = await repository.publishRoot({ version: 3 });
		expect(published.json).toMatchObject({ status: 503, reason: 'repository-read-only' });
		expect(published.json.detail).toMatch(/unreadable: no space left on the device/);
		expect(await repository.versions()).toMatchObject({ root: 3, timestamp: 3 });
		// In the database, and shown to nobody.
		expect((await repository.get('/3.root.json')).status).toBe(404);
		expect((await repository.get('/timestamp.json')).json.signed.version).toBe(2);
		expect((await repository.get('/root.json')).json.signed.version).toBe(2);

		isBroken = false;
		await repository.restart({ mark: failing });
		expect((await repository.get('/timestamp.json')).json.signed.version).toBe(3);
		expect((await repository.get('/3.root.json')).status).toBe(200);
		await place.close!();
	});
});

const openedMark = async () => {
	const { readFileMark } = await import('@chancery/postgres/file-mark');
	return readFileMark(repository.markFile);
};

describe('a repository without its mark', () => {
	it('of a version that had none goes on by itself, once', async () => {
		await query('truncate tuf.tuf_mark_holder');
		rmSync(repository.markFile);
		await repository.restart();
		expect((await repository.publishRoot({ version: 3 })).status).toBe(201);
		expect(await openedMark()).toMatchObject({ origin: 'http://tuf.test', size: 3 + 3 + 1 + 1 });

		rmSync(repository.markFile);
		await repository.restart();
		const refused = await repository.publishRoot({ version: 4 });
		expect(refused.json).toMatchObject({ status: 503, reason: 'repository-read-only' });
		expect(refused.json.detail).toMatch(/missing: there is no mark beside a repository that had one \(root 3,/);
		// Nobody can tell: what is signed already is served, as a log does.
		expect(await readable()).toBe(200);
		expect((await health()).ok).toBe(false);
	});

	it('goes on after the decision of an operator, beyond what clients have seen', async () => {
		const giveBack = await goBack(NEWEST);
		await repository.restart();
		const place = await repository.takeMark();
		const order = { ...orderFor(place), reason: 'disk lost' };
		await expect(adoptRepository({ ...order, expect: 2 })).rejects.toMatchObject({
			code: 'wrong-version',
			detail: 'the newest timestamp in the database is 1, expected was 2',
		});
		const { previous, seen, adopted } = await adoptRepository({ ...order, expect: 1 });
		expect([previous?.get('timestamp')?.version, adopted.get('timestamp')?.version]).toEqual([2, 1]);
		expect(Object.fromEntries(seen)).toEqual({ root: 2, targets: 1, snapshot: 1, timestamp: 2 });
		await repository.restart();
		// Timestamp 2 was seen by clients: it is not given out a second time.
		expect((await repository.publishRoot({ version: 2 })).status).toBe(201);
		expect(await repository.versions()).toMatchObject({ root: 2, timestamp: 3 });
		expect((await repository.get('/timestamp.json')).json.signed.version).toBe(3);
		expect((await query('select reason, seen_timestamp from tuf.adoption'))[0]).toEqual({
			reason: 'disk lost',
			seen_timestamp: 2,
		});
		await query('drop table taken');
		expect(giveBack).toBeTypeOf('function');
	});

	it('goes on at once when the operator decides through the service', async () => {
		const giveBack = await goBack(NEWEST);
		await repository.restart();
		expect(await readable()).toBe(503);
		const path = '/admin/v1/adoptions';
		const wrong = await repository.post(path, { timestamp: 2, reason: 'the backup is all we have' });
		expect(wrong.json).toMatchObject({ status: 409, reason: 'wrong-version' });
		const adopted = await repository.post(path, { timestamp: 1, reason: 'the backup is all we have' });
		expect([adopted.status, adopted.json]).toEqual([
			201,
			{
				previous: { root: 2, snapshot: 1, targets: 1, timestamp: 2 },
				seen: { root: 2, snapshot: 1, targets: 1, timestamp: 2 },
				adopted: { root: 1, snapshot: 1, targets: 1, timestamp: 1 },
			},
		]);
		expect(await readable()).toBe(200);
		expect((await repository.publishRoot({ version: 2 })).status).toBe(201);
		expect(await repository.versions()).toMatchObject({ root: 2, timestamp: 3 });
		await query('drop table taken');
		expect(giveBack).toBeTypeOf('function');
	});

	it('that never published anything cannot be adopted', async () => {
		await repository.reset();
		const place = await repository.takeMark();
		await expect(adoptRepository({ ...orderFor(place), expect: 0 })).rejects.toMatchObject({ code: 'no-root' });
	});
});

const orderFor = (mark: AdoptableMarkStore) => ({
	database: repository.data.database,
	mark,
	origin: 'http://tuf.test',
	known: new Map(),
	stated: undefined,
	reason: 'x',
});

describe('what clients have seen, when an operator decides', () => {
	const adopt = (body: object) => repository.post('/admin/v1/adoptions', { reason: 'disk lost', ...body });
	const sha256Of = async (path: string) =>
		createHash('sha256')
			.update((await repository.get(path)).bytes)
			.digest('hex');

	it('is remembered by the process that published it, when mark and database are lost together', async () => {
		for (let version = 2; version <= 8; version++)
			expect((await repository.publishTargets(version, { a: 'x' })).status).toBe(201);
		expect(await repository.versions()).toEqual({ root: 2, targets: 8, snapshot: 8, timestamp: 9 });
		await goBack(`role = 'timestamp' and version > 4 or role in ('targets', 'snapshot') and version > 3`);
		rmSync(repository.markFile);
		expect((await repository.publishTargets(2, { a: 'y' })).json.detail).toMatch(/^missing: /);
		const adopted = await adopt({ timestamp: 4 });
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
				await place.replace({ ...(await openedMark())!, keyId: new Uint8Array(32), origin: 'http://elsewhere.test' });
			},
			/belongs to another repository, http:\/\/elsewhere\.test/,
		],
		[
			'of no repository',
			async () => {
				const place = await repository.takeMark();
				await place.replace({ ...(await openedMark())!, note: Buffer.from('log.example\n2\nAAAA\n') });
			},
			/is not that of a TUF repository/,
		],
	])('is stated by them after a start with a mark that is %s', async (_what, lose, words) => {
		const lost = await sha256Of('/2.root.json');
		await goBack(NEWEST);
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
		await goBack(NEWEST);
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

	it('holds for roots byte for byte, and before any targets', async () => {
		await goBack(NEWEST);
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

describe('the mark of something else', () => {
	it('of another repository is refused', async () => {
		const own = (await openedMark())!;
		const place = await repository.takeMark();
		await place.replace({ ...own, keyId: new Uint8Array(32), origin: 'http://elsewhere.test' });
		await repository.restart();
		expect((await repository.publishRoot({ version: 3 })).json.detail).toMatch(/foreign: .*elsewhere\.test/);
		expect(await readable()).toBe(503);
	});

	it('of a log is not made out', async () => {
		const own = (await openedMark())!;
		const place = await repository.takeMark();
		await place.replace({ ...own, note: Buffer.from('log.example\n2\nAAAA\n') });
		await repository.restart();
		expect((await repository.publishRoot({ version: 3 })).json.detail).toMatch(/unreadable: .*not that of a TUF/);
	});
});

describe('several replicas', () => {
	it('on one file: the second does not start', async () => {
		const second = new RepositoryMark(openFileMark(repository.markFile), repository.data.database, 'http://tuf.test');
		await expect(second.open()).rejects.toBeInstanceOf(MarkInUseError);
	});

	it('with a file each: the second publishes nothing', async () => {
		const place = openFileMark(repository.markFile.replace('tuf.mark', 'second.mark'));
		await place.advance((await openedMark())!);
		const second = { ...repository.deps, mark: new RepositoryMark(place, repository.data.database, 'http://tuf.test') };
		await expect(publishRoot(second, await repository.makeRoot({ version: 3 }))).rejects.toMatchObject({
			code: 'repository-read-only',
			detail: expect.stringMatching(/displaced: the repository belongs to the mark/),
		});
		await place.close!();
	});

	it('with a mark in another database: what one publishes, all serve', async () => {
		await repository.reset();
		const marks = await createTestDatabase();
		const open = () => openMarkDatabase(marks.url, { mark: 'tuf/tuf.test' }).mark;
		const [first, second] = [open(), open()];
		await repository.restart({ mark: first });
		const other = await repository.replica(second);
		expect((await repository.publishRoot()).status).toBe(201);
		expect((await repository.publishTargets(1, { a: 'x' })).status).toBe(201);
		expect(await other.timestamp()).toBe(1);
		await publishRoot(other.deps, await repository.makeRoot({ version: 2 }));
		expect((await repository.get('/timestamp.json')).json.signed.version).toBe(2);
		expect((await repository.get('/2.root.json')).status).toBe(200);

		// Set back under both: neither serves nor publishes, whichever notices first.
		const giveBack = await goBack(NEWEST);
		await expect(publishRoot(other.deps, await repository.makeRoot({ version: 2 }))).rejects.toMatchObject({
			code: 'repository-read-only',
		});
		expect((await repository.get('/timestamp.json')).status).toBe(503);
		await giveBack();
		await first.close!();
		await second.close!();
		await marks.drop();
	});

	it('do not keep the mark beside what it marks', async () => {
		const place = openMarkDatabase(repository.data.url, { mark: 'tuf/tuf.test' }).mark;
		await expect(place.read()).rejects.toThrow(/would be restored together with/);
		await place.close!();
	});
});
