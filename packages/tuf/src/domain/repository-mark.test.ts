/** What a repository does when its database was rolled back or exchanged, or when its mark is lost. */
import { rmSync } from 'node:fs';
import { openFileMark } from '@chancery/postgres/mark/file-mark';
import { type AdoptableMarkStore, MarkError } from '@chancery/postgres/mark/mark';
import { openMarkDatabase } from '@chancery/postgres/mark/mark-database';
import { createTestDatabase } from '@chancery/testkit/test-database';
import type { TufStatus } from '@chancery/wire/status';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { DAY_MS, TestRepository } from '../../test/repository.ts';
import { adoptRepository } from './adopt-repository.ts';
import { publishRoot, renewOnlineMetadata } from './publish.ts';
import { readMetadataFile } from './read-file.ts';
import { RepositoryMark } from './repository-mark.ts';

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
const goBack = (where: string) => repository.goBack(where);
const NEWEST = `role in ('timestamp', 'root') and version > 1`;

const readable = async () => (await repository.get('/timestamp.json')).status;
const health = async () => (await repository.service.health()).checks.mark!;

/** Checks everything that a repository must do when it differs from what clients have seen. */
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
	expect((await repository.get('/status')).status).toBe(503);
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

	it('and then published from without a look at the mark, is a fork', async () => {
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

	it.each(['/2.root.json', '/1.targets.json', '/1.snapshot.json', '/root.json', '/timestamp.json'])(
		'and holds other bytes for the newest version serves them to nobody who asks for %s first',
		async (path) => {
			expect((await repository.get(path)).status).toBe(200);
			await query('alter table tuf.metadata disable trigger user');
			await query(`update tuf.metadata set content = content || '\\x0a' where role || version <> 'root1'`);
			await query('alter table tuf.metadata enable trigger user');
			const answer = await repository.get(path);
			expect(answer.status).toBe(503);
			expect(String(Buffer.from(answer.bytes))).toMatch(/forked: \w+ [12] was published with SHA-256/);
		},
	);

	it.each(['/2.root.json', '/1.targets.json', '/timestamp.json'])(
		'and is exchanged for the newest one while %s is read serves the bytes of that one',
		async (path) => {
			const before = (await repository.get(path)).bytes;
			const { database } = repository.data;
			let isStale = true;
			const failsOver = repository.depsOn({
				...database,
				query: async (text, values) => {
					const rows = await database.query<{ content?: Uint8Array }>(text, values);
					if (!isStale || !text.includes('content') || text.includes('sha256(')) return rows as never;
					isStale = false;
					return rows.map((row) => ({ ...row, content: Buffer.concat([row.content!, Buffer.from('\n')]) })) as never;
				},
			});
			const { content } = await readMetadataFile(failsOver, path.slice(1));
			expect(Buffer.from(content)).toEqual(Buffer.from(before));
			expect(isStale).toBe(false);
		},
	);

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
	it('does not show what the mark does not cover, and the next start marks it', async () => {
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
		// In the database, but not shown to anyone.
		expect((await repository.get('/3.root.json')).status).toBe(404);
		expect((await repository.get('/timestamp.json')).json.signed.version).toBe(2);
		expect((await repository.get('/root.json')).json.signed.version).toBe(2);
		// What the status says is what clients see.
		const { ready, roles } = (await repository.get('/status')).json as unknown as TufStatus;
		expect([ready, roles.root?.version, roles.timestamp?.version]).toEqual([false, 2, 2]);
		expect(await repository.service.health()).toMatchObject({ ready: false, checks: { mark: { ok: false } } });

		isBroken = false;
		await repository.restart({ mark: failing });
		expect((await repository.get('/timestamp.json')).json.signed.version).toBe(3);
		expect((await repository.get('/3.root.json')).status).toBe(200);
		await place.close!();
	});
});

const openedMark = async () => {
	const { readFileMark } = await import('@chancery/postgres/mark/file-mark');
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
		// Nobody can tell: files that are already signed are served, as in a log.
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
		// Clients have seen timestamp 2: it is not used a second time.
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
	it('on one file: what one publishes, the other serves, and neither is alone enough to adopt anything', async () => {
		const place = openFileMark(repository.markFile);
		const second = new RepositoryMark(place, repository.data.database, 'http://tuf.test');
		await second.open();
		expect((await repository.publishRoot({ version: 3 })).status).toBe(201);
		expect((await second.served('root', 3))?.version).toBe(3);
		const order = { expect: 3, stated: 'nothing-newer', reason: 'x' } as const;
		await expect(second.adopt(order)).rejects.toMatchObject({ code: 'unavailable', detail: /is in use by process/ });
		// Refused and as well as before.
		expect(second.problem).toBeUndefined();
		await place.close!();
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

		// Rolled back below both: neither serves nor publishes, whichever notices first.
		const giveBack = await goBack(NEWEST);
		await expect(publishRoot(other.deps, await repository.makeRoot({ version: 2 }))).rejects.toMatchObject({
			code: 'repository-read-only',
		});
		expect((await repository.get('/timestamp.json')).status).toBe(503);
		await giveBack();

		// Without the mark, neither knows what the other has published since its last read.
		await marks.database.query('alter table marks.tlog_marks disable trigger user');
		await marks.database.query('delete from marks.tlog_marks');
		const order = { expect: 2, reason: 'x' };
		await expect(other.deps.mark.adopt({ ...order, stated: undefined })).rejects.toMatchObject({
			code: 'seen-unknown',
		});
		const { seen } = await other.deps.mark.adopt({ ...order, stated: 'nothing-newer' });
		expect(Object.fromEntries(seen)).toEqual({ root: 2, targets: 1, snapshot: 1, timestamp: 2 });
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
