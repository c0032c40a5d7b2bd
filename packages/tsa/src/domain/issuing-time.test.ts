/** The time of tokens when the clock steps, after crashes, and with replicas. */
import { mkdirSync, mkdtempSync, renameSync, rmdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { openFileMark, readFileMark } from '@chancery/postgres/mark/file-mark';
import type { MarkStore } from '@chancery/postgres/mark/mark';
import { openMarkDatabase } from '@chancery/postgres/mark/mark-database';
import { createTestDatabase } from '@chancery/testkit/test-database';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openIssuingTime } from './issuing-time.ts';
import { createTimeReserve } from './time-reserve.ts';

let folder: string;
let path: string;
const open: MarkStore[] = [];
beforeEach(() => {
	folder = mkdtempSync(join(tmpdir(), 'chancery-tsa-time-'));
	path = join(folder, 'tsa.mark');
});
afterEach(async () => {
	for (const place of open.splice(0)) await place.close?.();
	rmSync(folder, { recursive: true });
});

async function start(
	clock: () => number,
	place: MarkStore = openFileMark(path),
	accuracySeconds = 1,
	origin = 'https://tsa.example',
	monotonicMs: () => number = () => 0,
) {
	open.push(place);
	const reserve = createTimeReserve(place, { clock, origin, accuracySeconds });
	const time = await openIssuingTime({ clock, monotonicMs, accuracySeconds, reserve, requireValid: () => undefined });
	return { ...time, next: async () => time.next(), plain: time, crash: () => reserve.close() };
}

describe('the time of tokens', () => {
	it('is cut to seconds, repeats within the accuracy, and refuses a larger step back', async () => {
		let now = 100_999;
		const time = await start(() => now);
		expect(await time.next()).toBe(100_000);
		now = 99_100;
		expect(await time.next()).toBe(100_000);
		expect(time.plain.secondsBehind()).toBe(1);
		now = 98_999;
		await expect(time.next()).rejects.toMatchObject({ code: 'clock-behind', retryAfterSeconds: 2 });
		now = 100_000;
		expect(await time.next()).toBe(100_000);
		now = 5_000_000;
		expect(await time.next()).toBe(5_000_000);
	});

	it('is written down before it is given out, and then needs nothing until the next second', async () => {
		let now = 100_000;
		const time = await start(() => now);
		expect(await time.next()).toBe(100_000);
		expect((await readFileMark(path))!.size).toBeGreaterThanOrEqual(100);
		for (let i = 0; i < 1000; i++) expect(time.plain.next()).toBe(100_000);
		await expect.poll(async () => (await readFileMark(path))!.size).toBe(101);
		now = 101_000;
		await expect.poll(() => time.plain.next()).toBe(101_000);
	});

	it.each([
		['a minute', 60_000],
		['an hour', 3_600_000],
	])('does not go back by %s over a crash', async (_what, step) => {
		let now = Date.UTC(2026, 10, 29);
		const first = await start(() => now);
		const last = await first.next();
		await first.crash();
		now -= step;
		const second = await start(() => now);
		await expect(second.next()).rejects.toMatchObject({ code: 'clock-behind', retryAfterSeconds: 60 });
		expect(second.plain.secondsBehind()).toBeGreaterThanOrEqual(step / 1000);
		now += step;
		expect(await second.next()).toBeGreaterThanOrEqual(last);
	});

	it('does not go back when the mark could not be read at the start', async () => {
		let now = 1_800_000_100_000;
		const first = await start(() => now);
		const last = await first.next();
		await first.crash();
		// A folder at its path: the file system answers, but there is no mark.
		renameSync(path, `${path}.away`);
		mkdirSync(path);
		now -= 60_000;
		const second = await start(() => now);
		await expect(second.next()).rejects.toMatchObject({ code: 'time-not-kept' });
		rmdirSync(path);
		renameSync(`${path}.away`, path);
		await expect(second.next()).rejects.toMatchObject({ code: 'clock-behind', retryAfterSeconds: 60 });
		now += 60_000;
		expect(await second.next()).toBeGreaterThanOrEqual(last);
	});

	it('does not go back behind a mark that was not there at the start', async () => {
		let now = 1_800_000_100_000;
		const first = await start(() => now);
		const last = await first.next();
		await first.crash();
		renameSync(path, `${path}.away`);
		now -= 60_000;
		const second = await start(() => now);
		// A file system that is mounted late: the mark is back before the first token.
		renameSync(`${path}.away`, path);
		await expect(second.next()).rejects.toMatchObject({ code: 'clock-behind' });
		now += 60_000;
		expect(await second.next()).toBeGreaterThanOrEqual(last);
	});

	it('is not kept under another public URL than that of the mark', async () => {
		const now = 1_800_000_100_000;
		const first = await start(() => now);
		await first.next();
		await first.crash();
		const place = openFileMark(path);
		const moved = await start(() => now, place, 1, 'https://moved.example');
		await expect(moved.next()).rejects.toMatchObject({
			code: 'time-not-kept',
			detail: expect.stringMatching(/belongs to https:\/\/tsa\.example .*, not to https:\/\/moved\.example/),
		});
		await moved.crash();
		rmSync(path);
		expect(await (await start(() => now, openFileMark(path), 1, 'https://moved.example')).next()).toBe(now);
	});

	it('goes on at once after a crash when the clock is right, at most a second ahead', async () => {
		let now = Date.UTC(2026, 10, 29);
		for (let life = 0; life < 5; life++) {
			const time = await start(() => now);
			const given = await time.next();
			expect(given).toBeGreaterThanOrEqual(now);
			expect(given).toBeLessThanOrEqual(now + 1_000);
			await time.crash();
			now += 1_000;
		}
	});

	it('is kept by all processes of a file, none of which goes behind another by more than the accuracy', async () => {
		const [a, b] = [await start(Date.now), await start(Date.now)];
		for (let i = 0; i < 20; i++) {
			const [earlier, later] = i % 2 ? [a, b] : [b, a];
			const given = await earlier.next();
			expect(await later.next()).toBeGreaterThanOrEqual(given - 1_000);
			// Nor do they drive one another into the future.
			expect(given).toBeLessThanOrEqual(Date.now() + 1_000);
			await sleep(150);
		}
	});
});

it('a process that was stopped looks at the mark again before it uses what it had reserved', async () => {
	let now = 100_000;
	let passedMs = 0;
	const restart = () =>
		start(
			() => now,
			openFileMark(path),
			1,
			undefined,
			() => passedMs,
		);
	const [stopped, other] = [await restart(), await restart()];
	expect(await stopped.next()).toBe(100_000);
	await expect.poll(async () => (await readFileMark(path))!.size).toBe(101);
	for (now = 102_000; now <= 160_000; now += 2_000) expect(await other.next()).toBe(now);
	// The clock goes back into the second that the first one has reserved, a minute ago.
	now = 101_000;
	passedMs = 60_000;
	await expect(other.next()).rejects.toMatchObject({ code: 'clock-behind' });
	await expect(stopped.next()).rejects.toMatchObject({ code: 'clock-behind' });
	now = 161_000;
	expect(await stopped.next()).toBe(161_000);
});

describe('replicas that share a database', () => {
	it('do not go behind one another by more than the accuracy, and notice a clock that is wrong', async () => {
		const marks = await createTestDatabase();
		const place = () => openMarkDatabase(marks.url, { mark: 'tsa/tsa.example' }).mark;
		let behindMs = 0;
		const [a, b] = [await start(Date.now, place()), await start(() => Date.now() - behindMs, place())];
		for (let i = 0; i < 20; i++) {
			const [earlier, later] = i % 2 ? [a, b] : [b, a];
			const given = await earlier.next();
			expect(await later.next()).toBeGreaterThanOrEqual(given - 1_000);
		}
		behindMs = 30_000;
		await expect(b.next()).rejects.toMatchObject({ code: 'clock-behind' });
		// A replica that starts with such a clock either knows what others have issued, or that its clock cannot be used.
		const late = await start(() => Date.now() - 30_000, place());
		await expect(late.next()).rejects.toMatchObject({ code: 'clock-behind' });
		const ahead = await start(() => Date.now() + 30_000, place());
		await expect(ahead.next()).rejects.toMatchObject({
			code: 'clock-apart',
			detail: expect.stringMatching(/the clock is (29|30)\.\d s away/),
		});
		expect(await a.next()).toBeLessThanOrEqual(Date.now() + 1_000);
		for (const opened of open.splice(0)) await opened.close?.();
		await marks.drop();
	});
});
