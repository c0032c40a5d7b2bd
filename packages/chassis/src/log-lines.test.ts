import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
	closeSync,
	mkdtempSync,
	openSync,
	readFileSync,
	renameSync,
	rmSync,
	statSync,
	truncateSync,
	writeFileSync,
	writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createFileKey } from '@chancery/keys/file/file-key';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { appendingFile, type LinePlace, LogLines } from './log-lines.ts';

const lossLine = (lost: number, reason: string) => `${lost} lost: ${reason}\n`;

/** A place with room for `room` bytes, which then fails with `code`. */
class LimitedPlace implements LinePlace {
	text = '';
	room: number;
	code: string;

	constructor(room: number, code: string) {
		this.room = room;
		this.code = code;
	}

	write(bytes: Uint8Array): number {
		if (this.room === 0) throw Object.assign(new Error(this.code), { code: this.code });
		const fits = bytes.subarray(0, this.room);
		this.room -= fits.length;
		this.text += Buffer.from(fits).toString();
		return fits.length;
	}
}

describe('lines on their way to a place that fails', () => {
	it('are counted, and a line says how many where they are missing', () => {
		const place = new LimitedPlace(6, 'ENOSPC');
		const lines = new LogLines(place, { lossLine });
		for (const line of ['one 1\n', 'two 2\n', 'three\n']) lines.write(line);
		place.room = 1000;
		lines.write('four\n');
		lines.write('five\n');
		expect(place.text).toBe('one 1\n2 lost: ENOSPC\nfour\nfive\n');
	});

	it('counts a line of which only a piece was written, and ends that piece', () => {
		const place = new LimitedPlace(3, 'EIO');
		const lines = new LogLines(place, { lossLine });
		lines.write('abcdef\n');
		place.room = 1000;
		lines.write('next\n');
		expect(place.text).toBe('abc\n1 lost: EIO\nnext\n');
	});

	it('counts on while the line that says so cannot be written either', () => {
		const place = new LimitedPlace(0, 'EDQUOT');
		const lines = new LogLines(place, { lossLine });
		for (let i = 0; i < 10_000; i++) lines.write(`line ${i}\n`);
		place.room = 1000;
		lines.write('after\n');
		expect(place.text).toBe('10000 lost: EDQUOT\nafter\n');
	});

	it('says how many are missing also when no further line comes', async () => {
		const place = new LimitedPlace(0, 'EROFS');
		const lines = new LogLines(place, { lossLine, retryMs: 10 });
		lines.write('gone\n');
		place.room = 1000;
		await expect.poll(() => place.text).toBe('1 lost: EROFS\n');
	});

	it('waits for a slow reader with a bounded number of bytes, and goes on in the middle of a line', async () => {
		const place = new LimitedPlace(2, 'EAGAIN');
		const lines = new LogLines(place, { lossLine, maxWaitingBytes: 40, retryMs: 10 });
		for (let i = 0; i < 1000; i++) lines.write(`line ${String(i).padStart(4, '0')}\n`);
		place.room = 10_000;
		await expect.poll(() => place.text).toMatch(/lost/);
		const [first, second, third, fourth, loss] = place.text.split('\n');
		expect([first, second, third, fourth]).toEqual(['line 0000', 'line 0001', 'line 0002', 'line 0003']);
		expect(loss).toBe('996 lost: EAGAIN');
	});

	it('meets the errors of real devices and closed descriptors alike', () => {
		const full = openSync('/dev/full', 'w');
		const lines = new LogLines({ write: (bytes) => writeSync(full, bytes) }, { lossLine });
		lines.write('to a full device\n');
		closeSync(full);
		lines.write('to a closed descriptor\n');
	});
});

describe('a log file', () => {
	let folder: string;
	beforeAll(() => {
		folder = mkdtempSync(join(tmpdir(), 'chancery-lines-'));
	});
	afterAll(() => rmSync(folder, { recursive: true }));

	it('begins anew past its size, whatever was there before, and keeps the one before', () => {
		const path = join(folder, 'bounded.log');
		writeFileSync(path, 'x'.repeat(101));
		const lines = new LogLines(appendingFile(path, 100), { lossLine });
		for (let i = 0; i < 30; i++) lines.write(`0123456${String(i).padStart(2, '0')}\n`);
		expect(statSync(path).size + statSync(`${path}.1`).size).toBeLessThanOrEqual(2 * 110);
		expect(readFileSync(path, 'utf8')).toMatch(/012345629\n$/);
		expect(statSync(path).mode & 0o777).toBe(0o600);
	});

	it('begins anew also when somebody has moved it away', () => {
		const path = join(folder, 'moved.log');
		const lines = new LogLines(appendingFile(path, 100), { lossLine });
		renameSync(path, `${path}.old`);
		for (let i = 0; i < 30; i++) lines.write(`0123456${String(i).padStart(2, '0')}\n`);
		expect(statSync(`${path}.old`).size).toBeLessThanOrEqual(110);
		expect(readFileSync(path, 'utf8')).toMatch(/012345629\n$/);
	});

	it.skipIf(process.getuid?.() !== 0)('begins anew as soon as another file can be made', () => {
		const disk = join(folder, 'few-files');
		execFileSync('mkdir', [disk]);
		// The folder, the log, and one more.
		execFileSync('mount', ['-t', 'tmpfs', '-o', 'nr_inodes=3,mode=700', 'tmpfs', disk]);
		try {
			const path = join(disk, 'chancery.log');
			const lines = new LogLines(appendingFile(path, 100), { lossLine });
			writeFileSync(join(disk, 'other'), '');
			for (let i = 0; i < 30; i++) lines.write('0123456789\n');
			expect(statSync(`${path}.1`).size).toBe(30 * 11);
			rmSync(join(disk, 'other'));
			for (let i = 0; i < 3; i++) lines.write('there is room again\n');
			expect(readFileSync(path, 'utf8')).toBe('there is room again\n'.repeat(3));
			expect(statSync(`${path}.1`).size).toBe(30 * 11);
		} finally {
			execFileSync('umount', ['-l', disk]);
		}
	});

	it.skipIf(process.getuid?.() !== 0)('loses lines while its file system is full, and says how many after', () => {
		const disk = join(folder, 'disk');
		execFileSync('mkdir', [disk]);
		execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k,mode=700', 'tmpfs', disk]);
		try {
			const path = join(disk, 'chancery.log');
			const lines = new LogLines(appendingFile(path, 1024 * 1024), { lossLine });
			for (let i = 0; i < 1000; i++) lines.write(`${'x'.repeat(99)}\n`);
			expect(statSync(path).size).toBeLessThanOrEqual(64 * 1024);
			const kept = readFileSync(path, 'utf8').match(/^x{99}$/gm)?.length ?? 0;
			truncateSync(path);
			lines.write('there is room again\n');
			expect(readFileSync(path, 'utf8')).toBe(`\n${1000 - kept} lost: ENOSPC\nthere is room again\n`);
		} finally {
			execFileSync('umount', ['-l', disk]);
		}
	});
});

describe('a service whose standard error nobody takes', { timeout: 60_000 }, () => {
	const MAIN = fileURLToPath(new URL('../test/serve-greeting.ts', import.meta.url));
	const REQUESTS = 8_000;
	let folder: string;
	let child: ChildProcess;
	beforeAll(async () => {
		folder = mkdtempSync(join(tmpdir(), 'chancery-blocked-'));
		await createFileKey(join(folder, 'main.pem'), 'ed25519', { passphrase: 'open' });
	});
	afterEach(() => void child.kill('SIGKILL'));
	afterAll(() => rmSync(folder, { recursive: true }));

	async function start(): Promise<{ url: string; text: () => string }> {
		const section = {
			greeting: 'hello',
			listen: { public: { host: '127.0.0.1', port: 0 } },
			keys: { main: { uri: `file:${join(folder, 'main.pem')}`, passphrase: { env: 'TEST_PASSPHRASE' } } },
		};
		const config = join(folder, 'config.json');
		const database = { url: 'postgres://127.0.0.1:1/none' };
		writeFileSync(config, JSON.stringify({ database, logging: { level: 'debug' }, greeting: section }));
		child = spawn(process.execPath, [MAIN, '--config', config], {
			env: { PATH: process.env.PATH, TEST_PASSPHRASE: 'open' },
			stdio: ['ignore', 'ignore', 'pipe'],
		});
		let text = '';
		child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
			text += chunk;
		});
		const urlIn = () => /"url":"([^"]+)"/.exec(text)?.[1];
		await expect.poll(urlIn, { timeout: 15_000 }).toBeDefined();
		return { url: urlIn() ?? '', text: () => text };
	}

	async function ask(url: string, times: number): Promise<Set<number>> {
		const statuses = new Set<number>();
		let left = times;
		const one = async () => {
			while (left-- > 0) statuses.add((await fetch(url)).status);
		};
		await Promise.all(Array.from({ length: 16 }, one));
		return statuses;
	}

	it('goes on with a pipe that is not read, loses lines instead of memory, and says how many', async () => {
		const { url, text } = await start();
		child.stderr?.pause();
		expect(await ask(url, REQUESTS)).toEqual(new Set([200]));
		child.stderr?.resume();
		const lost = () =>
			[...text().matchAll(/"lost":(\d+),"reason":"EAGAIN"/g)].reduce((sum, [, n]) => sum + Number(n), 0);
		const written = () => text().match(/"msg":"request"/g)?.length ?? 0;
		await expect.poll(() => lost() + written(), { timeout: 30_000 }).toBe(REQUESTS);
		expect(lost()).toBeGreaterThan(0);
	});

	it('goes on with a pipe that was closed, and stops in order', async () => {
		const { url } = await start();
		child.stderr?.destroy();
		expect(await ask(url, 200)).toEqual(new Set([200]));
		child.kill('SIGTERM');
		const [code] = await once(child, 'close');
		expect(code).toBe(0);
	});
});
