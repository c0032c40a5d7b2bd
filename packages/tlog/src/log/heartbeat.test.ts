import { afterEach, beforeEach, expect, it } from 'vitest';
import { audit, createWorld, textEntry, type World } from '../../test/log-world.ts';

let world: World;
beforeEach(async () => {
	world = await createWorld();
});
afterEach(() => world.end());

it('an idle log signs the same tree again, later, without touching anything else', async () => {
	let signed = 0;
	const { log } = await world.open({
		limits: { heartbeatMs: 40 },
		signReceipt: async () => {
			signed += 1;
			return Uint8Array.of(signed);
		},
	});
	const answer = await log.submit(textEntry('only'));
	const mark = world.mark.mark;
	const stop = new AbortController();
	const running = log.heartbeat.run(stop.signal);
	await expect
		.poll(async () => (await log.published()).timestampMs, { interval: 10 })
		.toBeGreaterThan(answer.publication.timestampMs + 100);
	const publication = await log.published();
	expect(publication).toMatchObject({ size: 1, root: answer.publication.root });
	expect(publication.note).not.toEqual(answer.publication.note);
	expect(world.mark.mark).toBe(mark);
	expect(signed).toBe(1);
	// Entries never get a time before a head that was shown.
	expect((await log.submit(textEntry('next'))).timestampMs).toBeGreaterThanOrEqual(publication.timestampMs);
	stop.abort();
	await running;
	await audit(world.database);
});

it('publishes what another process left integrated', async () => {
	const { log: watcher } = await world.open({ limits: { heartbeatMs: 3_600_000, refreshMs: 3_600_000 } });
	const dying = await world.open({
		signHead: async () => {
			throw new Error('the key is away');
		},
		limits: { submitTimeoutMs: 100 },
	});
	await expect(dying.log.submit(textEntry('left behind'))).rejects.toMatchObject({ code: 'unavailable' });
	await dying.close();
	const stop = new AbortController();
	const running = watcher.heartbeat.run(stop.signal);
	await expect.poll(async () => (await watcher.published()).size, { timeout: 15_000 }).toBe(1);
	stop.abort();
	await running;
	await audit(world.database);
});

it('two replicas beat for one log without getting in each other’s way', async () => {
	const replicas = [
		await world.open({ limits: { heartbeatMs: 20 } }),
		await world.open({ limits: { heartbeatMs: 20 } }),
	];
	const stop = new AbortController();
	const running = replicas.map(({ log }) => log.heartbeat.run(stop.signal));
	const times: number[] = [];
	for (let i = 0; i < 40; i++) {
		const answer = await replicas[i % 2]!.log.submit(textEntry(`beat ${i % 30}`));
		times.push(answer.publication.timestampMs);
	}
	expect(times).toHaveLength(40);
	stop.abort();
	await Promise.all(running);
	expect((await audit(world.database)).leaves).toHaveLength(30);
});
