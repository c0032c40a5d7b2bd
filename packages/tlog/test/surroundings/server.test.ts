/** The database server goes away, or has no room: for one connection more, or for one page more. */
import { execFile } from 'node:child_process';
import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { openDatabase } from '@chancery/postgres/pool';
import { afterEach, describe, expect, it } from 'vitest';
import { isRoot, OwnServer } from './own-server.ts';
import { heldBytes, POLLING, Pressure, pause, SHORT_LIMITS } from './pressure.ts';

const run = promisify(execFile);
const LIMITS = { ...SHORT_LIMITS, maxWaiting: 40 };
const CLIENTS = 60;
/** `max_connections` of the server. */
const PLACES = 100;

let server: OwnServer | undefined;
let release: ((folder: string) => Promise<void>) | undefined;
afterEach(async () => {
	await server?.end(release);
	server = undefined;
	release = undefined;
});

/** What must hold during any of it: bounded queues, refusals that say come back, a health that says what is wrong. */
async function expectBounded(pressure: Pressure, bytesBefore: number, diagnosis: RegExp): Promise<void> {
	const { log } = server!;
	pressure.diagnoses.clear();
	// Everything that it says is kept: which of several errors one look finds is a matter of chance.
	await expect.poll(() => [...pressure.diagnoses].join('\n'), POLLING).toMatch(diagnosis);
	await expect.poll(() => log.health().writable, POLLING).toBe(false);
	expect(pressure.maxWaiting).toBeLessThanOrEqual(LIMITS.maxWaiting);
	expect(heldBytes() - bytesBefore).toBeLessThan(20e6);
	for (const code of ['overloaded', 'unavailable'])
		await expect.poll(() => pressure.refusals.get(code) ?? 0, POLLING).toBeGreaterThan(0);
	// What was shown before is shown all the while.
	expect((await log.published()).size).toBeGreaterThan(0);
}

async function expectRecovered(pressure: Pressure): Promise<void> {
	await pressure.untilAccepted(100);
	await expect.poll(() => server!.log.health().detail, POLLING).toBe('writable');
	await pressure.stop();
	await pressure.judge(server!.database);
}

describe('a server', () => {
	it('that is restarted under load, in an orderly way and by a kill, costs time and no entry', async () => {
		server = await OwnServer.start(LIMITS);
		const pressure = new Pressure(server.log, CLIENTS);
		await pressure.untilAccepted(100);
		for (const end of [() => server!.stop(), () => server!.kill()]) {
			const before = heldBytes();
			await end();
			await pressure.untilRefused(100);
			await expectBounded(pressure, before, /the database does not take entries now \(.+\)/);
			await server.startAgain();
			await pressure.untilAccepted(100);
		}
		await expectRecovered(pressure);
	});

	it('without a connection to spare refuses the log, and takes it back when others have left', async () => {
		server = await OwnServer.start(LIMITS);
		const pressure = new Pressure(server.log, CLIENTS);
		await pressure.untilAccepted(100);
		const before = heldBytes();
		const crowd = openDatabase({
			url: server.url,
			applicationName: 'crowd',
			maxConnections: 2 * PLACES,
			idleInTransactionTimeoutMs: 0,
			connectTimeoutMs: 5_000,
		});
		let isOver = false;
		let inside = 1;
		// The first one stays in, and ends the connections of the log again and again.
		const isIn = Promise.withResolvers<void>();
		const terminate = `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'log'`;
		const first = crowd.transaction(async (sql) => {
			isIn.resolve();
			for (; !isOver; await pause(50)) await sql.query(terminate);
		});
		await isIn.promise;
		// Each that is turned away tries again: at once while the log has a place, which it leaves when it is ended and takes again
		// when nobody is faster; then seldom, so that the server has time for others.
		const crowding = Array.from({ length: PLACES + 20 }, async () => {
			const stay = async () => {
				inside++;
				while (!isOver) await pause(20);
			};
			while (!isOver) await crowd.transaction(stay).catch(() => pause(inside === PLACES ? 200 : 2));
		});
		await expect.poll(() => pressure.refusals.get('unavailable') ?? 0, POLLING).toBeGreaterThan(60);
		await expectBounded(pressure, before, /too many clients|remaining connection slots/);
		isOver = true;
		await Promise.all([first, ...crowding]);
		await crowd.close();
		await expectRecovered(pressure);
	});
});

// A file system of its own that can be filled needs the right to mount one.
describe.runIf(isRoot)('a disk', () => {
	/** Takes all the room there is. */
	async function fill(folder: string): Promise<void> {
		const file = await open(join(folder, 'ballast'), 'a');
		for (let bytes = 1 << 20; bytes >= 512; bytes /= 2) {
			const chunk = Buffer.alloc(bytes);
			for (;;) {
				const written = await file.write(chunk).then(
					({ bytesWritten }) => bytesWritten,
					() => 0,
				);
				if (written < bytes) break;
			}
		}
		await file.close();
	}

	it('that is full stops the log, and nothing that was accepted is lost', async () => {
		let folder = '';
		server = await OwnServer.start(LIMITS, async (base) => {
			folder = base;
			await run('mount', ['-t', 'tmpfs', '-o', 'size=200m', 'tmpfs', base]);
		});
		release = async (base) => {
			await run('umount', [base]);
		};
		const pressure = new Pressure(server.log, CLIENTS);
		await pressure.untilAccepted(100);

		// First no table can grow; then the log of the server cannot either, which it does not survive.
		for (const deadly of [false, true]) {
			const before = heldBytes();
			await fill(folder);
			if (deadly) await server.database.query('select pg_switch_wal()').catch(() => undefined);
			await pressure.untilRefused(300, 30_000);
			await expectBounded(pressure, before, /No space left on device|the database does not take entries now|connect/);
			await rm(join(folder, 'ballast'));
			if (server.hasEnded) await server.startAgain();
			await pressure.untilAccepted(100, 40_000);
		}
		await expectRecovered(pressure);
	});
});
