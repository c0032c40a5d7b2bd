import { generateSigner } from '@chancery/keys/file/generate';
import type { Database } from '@chancery/postgres/sql';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { DAY_MS, TestRepository } from '../../test/repository.ts';
import { publishRoot, publishTargets, renewOnlineMetadata } from './publish.ts';

let repository: TestRepository;
beforeAll(async () => {
	repository = await TestRepository.open();
});
afterAll(() => repository.close());
beforeEach(async () => {
	await repository.reset();
	await repository.restart();
	await repository.publishRoot();
	await repository.publishTargets(1, { a: 'x' });
});

const renew = () => renewOnlineMetadata(repository.deps);
const pass = (days: number) => {
	repository.nowMs += days * DAY_MS;
};

describe('renewal', () => {
	it('has nothing to do before targets are published', async () => {
		await repository.reset();
		expect(await renew()).toEqual([]);
		await repository.publishRoot();
		pass(100);
		expect(await renew()).toEqual([]);
	});

	it('renews the timestamp daily, and never before', async () => {
		pass(0.999);
		expect(await renew()).toEqual([]);
		pass(0.001);
		expect(await renew()).toEqual(['timestamp']);
		expect(await renew()).toEqual([]);
		const { timestamp, snapshot } = await repository.published();
		expect(timestamp).toMatchObject({ version: 2, signed: { meta: { 'snapshot.json': { version: 1 } } } });
		expect(timestamp?.signed.expires).toBe(new Date(repository.nowMs + 7 * DAY_MS).toISOString().replace('.000', ''));
		expect(snapshot?.version).toBe(1);
	});

	it('renews the snapshot at half of its life, with the timestamp that leads to it', async () => {
		for (let day = 1; day < 15; day++) {
			pass(1);
			expect(await renew()).toEqual(['timestamp']);
		}
		pass(1);
		expect(await renew()).toEqual(['snapshot', 'timestamp']);
		const { timestamp, snapshot } = await repository.published();
		expect(snapshot).toMatchObject({ version: 2, signed: { meta: { 'targets.json': { version: 1 } } } });
		expect(timestamp).toMatchObject({ version: 16, signed: { meta: { 'snapshot.json': { version: 2 } } } });
	});

	it('goes on after an outage, even when everything has expired', async () => {
		pass(40);
		expect(await renew()).toEqual(['snapshot', 'timestamp']);
		expect(await repository.versions()).toEqual({ root: 1, targets: 1, snapshot: 2, timestamp: 2 });
	});

	it('by several replicas at once is done once', async () => {
		pass(1);
		const outcomes = await Promise.allSettled([renew(), renew(), renew()]);
		const refused = outcomes.filter((outcome) => outcome.status === 'rejected');
		for (const { reason } of refused) expect(reason).toMatchObject({ code: 'wrong-version' });
		expect(await repository.versions()).toMatchObject({ timestamp: 2 });
	});

	it('does nothing in secret: without its key in the root it fails', async () => {
		const strangers = { snapshotSigner: generateSigner('ed25519'), timestampSigner: generateSigner('ed25519') };
		pass(1);
		await expect(renewOnlineMetadata({ ...repository.deps, ...strangers })).rejects.toMatchObject({
			code: 'threshold-not-met',
		});
		expect(await repository.versions()).toMatchObject({ timestamp: 1 });
	});

	it('is a job that the service runs, and that ends when it is told to', async () => {
		pass(1);
		const controller = new AbortController();
		const [job] = repository.service.jobs;
		const running = job?.run(controller.signal);
		await expect.poll(() => repository.versions()).toMatchObject({ timestamp: 2 });
		controller.abort();
		await running;
	});
});

describe('whatever is published while another publication reads', () => {
	const files = [{ name: 'b', content: Buffer.from('y') }];

	/** After each statement that a renewal reads with, another process publishes targets 2. */
	it.each([0, 1, 2, 3, 4])('(after %d statements) is not taken back by a renewal', async (statements) => {
		pass(20);
		const targets = await repository.makeTargets(2, { b: 'y' });
		const meanwhile = async () => {
			await publishTargets(repository.deps, targets, files);
		};
		const outcome = await renewOnlineMetadata(
			repository.depsOn(interrupted(repository.data.database, statements, meanwhile)),
		).then(
			(roles) => roles,
			(error: unknown) => error,
		);
		// It read nothing yet, came second, or had been done already.
		if (statements > 0 && statements < 5) expect(outcome).toMatchObject({ code: 'wrong-version' });
		else expect(outcome).toEqual([]);
		await expectConsistent();
		expect((await repository.published()).snapshot?.signed.meta).toEqual({ 'targets.json': { version: 2 } });
	});

	it.each([0, 1, 2, 3])('(after %d statements) is not taken back by targets', async (statements) => {
		pass(20);
		const targets = await repository.makeTargets(2, { b: 'y' });
		const database = interrupted(repository.data.database, statements, async () => {
			await renew();
		});
		const outcome = publishTargets(repository.depsOn(database), targets, files);
		if (statements === 0) await outcome;
		else await expect(outcome).rejects.toMatchObject({ code: 'wrong-version' });
		await expectConsistent();
	});

	it.each([1, 2, 3, 4])('(after %d statements) is not signed for by keys of an older root', async (statements) => {
		const others = [0, 1, 2].map(() => generateSigner('ed25519'));
		const root = await repository.makeRoot({ version: 2, targets: others });
		const targets = await repository.makeTargets(2, { b: 'y' });
		const database = interrupted(repository.data.database, statements, async () => {
			await publishRoot(repository.deps, root);
		});
		const outcome = publishTargets(repository.depsOn(database), targets, files);
		await expect(outcome).rejects.toMatchObject({ code: expect.stringMatching(/wrong-version|threshold-not-met/) });
		expect(await repository.versions()).toMatchObject({ root: 2, targets: 1 });
	});
});

describe('a root that changes keys', () => {
	it('brings a timestamp along, so that its effect can be seen', async () => {
		expect((await repository.publishRoot({ version: 2 })).status).toBe(201);
		expect(await repository.versions()).toEqual({ root: 2, targets: 1, snapshot: 1, timestamp: 2 });
	});

	it('of this server brings snapshot and timestamp signed by the new ones', async () => {
		const changes = { snapshotSigner: generateSigner('ed25519'), timestampSigner: generateSigner('ed25519') };
		await repository.restart(changes);
		const plan = { version: 2, snapshot: [changes.snapshotSigner], timestamp: [changes.timestampSigner] };
		expect((await repository.publishRoot(plan)).status).toBe(201);
		expect(await repository.versions()).toEqual({ root: 2, targets: 1, snapshot: 2, timestamp: 2 });
		expect((await repository.service.health()).ready).toBe(true);
	});

	it('of the targets makes the repository unready until they are signed anew', async () => {
		const others = [0, 1, 2].map(() => generateSigner('ed25519'));
		await repository.publishRoot({ version: 2, targets: others });
		const { ready, checks } = await repository.service.health();
		expect(ready).toBe(false);
		expect(checks.targets?.detail).toContain('not signed by the keys of the newest root');
		const targets = await repository.makeTargets(2, { a: 'x' }, { signers: others });
		expect((await repository.postTargets(targets, { a: 'x' })).status).toBe(201);
		expect((await repository.service.health()).ready).toBe(true);
	});

	it('is followed by a renewal where the files of another server still stand', async () => {
		// The state of a database that an earlier version of this service has left.
		const signer = generateSigner('ed25519');
		const root = await repository.makeRoot({ version: 2, snapshot: [signer], timestamp: [repository.timestampKey] });
		await repository.data.database.query(
			`insert into tuf.metadata select 'root', 2, $1, expires_at, published_at from tuf.metadata where role = 'root'`,
			[Buffer.from(JSON.stringify(root))],
		);
		expect(await renewOnlineMetadata({ ...repository.deps, snapshotSigner: signer })).toEqual([
			'snapshot',
			'timestamp',
		]);
		expect(await renewOnlineMetadata({ ...repository.deps, snapshotSigner: signer })).toEqual([]);
	});
});

describe('health', () => {
	it('counts the days of each role, and is not ready when one has expired', async () => {
		const health = await repository.service.health();
		expect(health).toMatchObject({
			ready: true,
			checks: { timestamp: { ok: true, detail: 'version 1, 7.0 days left' } },
		});
		pass(7);
		const expired = await repository.service.health();
		expect(expired.ready).toBe(false);
		expect(expired.checks).toMatchObject({ timestamp: { ok: false }, snapshot: { ok: true }, root: { ok: true } });
		await repository.reset();
		expect((await repository.service.health()).checks.root).toEqual({ ok: false, detail: 'not published' });
	});
});

/** The newest timestamp leads to the newest snapshot, and that to the newest targets. */
async function expectConsistent(): Promise<void> {
	const { timestamp, snapshot, targets } = await repository.published();
	expect(timestamp?.signed.meta).toEqual({ 'snapshot.json': { version: snapshot?.version } });
	expect(snapshot?.signed.meta).toEqual({ 'targets.json': { version: targets?.version } });
}

/** The same database, with an event after this many statements outside of transactions. */
function interrupted(database: Database, statements: number, meanwhile: () => Promise<void>): Database {
	let count = 0;
	const interrupt = async () => {
		if (count++ === statements) await meanwhile();
	};
	return {
		query: async (text, values) => {
			await interrupt();
			return database.query(text, values);
		},
		transaction: async (work) => {
			await interrupt();
			return database.transaction(work);
		},
		close: () => database.close(),
	};
}
