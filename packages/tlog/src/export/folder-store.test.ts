import { execFileSync } from 'node:child_process';
import {
	chmodSync,
	mkdirSync,
	mkdtempSync,
	readdirSync,
	readFileSync,
	rmSync,
	statSync,
	symlinkSync,
	writeFileSync,
} from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { ORIGIN, type ReadExported, SyntheticLog, shownSize } from '../../test/synthetic-log.ts';
import type { ExportStore } from './export-store.ts';
import { exportTree } from './export-tree.ts';
import { openFolderStore } from './folder-store.ts';

let base: string;
let folder: string;
beforeEach(() => {
	base = mkdtempSync(join(tmpdir(), 'chancery-export-'));
	folder = join(base, 'a/b');
});
afterEach(() => {
	chmodSync(base, 0o700);
	rmSync(base, { recursive: true });
});

const main = new SyntheticLog(5000);
const bytes = (text: string) => new TextEncoder().encode(text);
const reader: ReadExported = (path) => readFile(join(folder, path)).catch(() => undefined);

async function opened(): Promise<ExportStore> {
	const store = openFolderStore(folder);
	await store.open();
	return store;
}

it('exports a tree as plain files that everyone may read, and leaves nothing else behind', async () => {
	const store = await opened();
	main.size = 5000;
	await exportTree({ log: main, store, origin: ORIGIN, bundles: 'entries' });
	await store.close();
	expect(await shownSize(reader, main)).toBe(5000);
	expect(readdirSync(folder).sort()).toEqual(['.incoming', 'checkpoint', 'origin', 'tile']);
	expect(readdirSync(join(folder, '.incoming')).sort()).toEqual(['lock', 'lock.pid']);
	expect(statSync(join(folder, 'tile/entries/000')).mode & 0o777).toBe(0o644);
	expect(statSync(join(folder, 'tile/entries')).mode & 0o777).toBe(0o755);
});

it('never writes over an object, and says that it is there', async () => {
	const store = await opened();
	expect(await store.create('tile/0/000', bytes('first'))).toBe('created');
	expect(await store.create('tile/0/000', bytes('second'))).toBe('exists');
	expect(readFileSync(join(folder, 'tile/0/000'), 'utf8')).toBe('first');
	expect(await store.has('tile/0/000')).toBe(true);
	expect(await store.has('tile/0')).toBe(false);
	expect(await store.has('tile/0/001')).toBe(false);
	expect(await store.read('tile/0/001')).toBeUndefined();
	await store.close();
});

it('replaces the checkpoint that was seen and no other', async () => {
	const store = await opened();
	expect(await store.swapCheckpoint(bytes('one'), undefined)).toBe(true);
	expect(await store.swapCheckpoint(bytes('again'), undefined)).toBe(false);
	const seen = await store.readCheckpoint();
	expect(await store.swapCheckpoint(bytes('two'), seen)).toBe(true);
	expect(await store.swapCheckpoint(bytes('three'), seen)).toBe(false);
	expect(readFileSync(join(folder, 'checkpoint'), 'utf8')).toBe('two');
	await store.close();
});

it('clears away what a killed exporter was writing', async () => {
	mkdirSync(join(folder, '.incoming'), { recursive: true });
	writeFileSync(join(folder, '.incoming/half'), 'hal');
	const store = await opened();
	expect(readdirSync(join(folder, '.incoming'))).toEqual(['lock', 'lock.pid']);
	await store.close();
});

it('removes nothing where somebody else could put another folder in the place of ours', async () => {
	const victim = join(base, 'victim');
	mkdirSync(victim);
	writeFileSync(join(victim, 'kept'), '');
	mkdirSync(folder, { recursive: true });
	symlinkSync(victim, join(folder, '.incoming'));
	chmodSync(folder, 0o777);
	await expect(opened()).rejects.toThrow(/nothing is exported to .* has mode 0777/);
	expect(readdirSync(victim)).toEqual(['kept']);
});

it.each([0o077, 0o000])('may be read, and not written, by others under the umask %o', async (umask) => {
	const before = process.umask(umask);
	try {
		const store = await opened();
		await store.create('tile/0/000', bytes('tile'));
		await store.swapCheckpoint(bytes('checkpoint'), undefined);
		await store.close();
	} finally {
		process.umask(before);
	}
	for (const path of ['', '.incoming', 'tile', 'tile/0']) expect(statSync(join(folder, path)).mode & 0o777).toBe(0o755);
	for (const path of ['tile/0/000', 'checkpoint']) expect(statSync(join(folder, path)).mode & 0o777).toBe(0o644);
	expect(statSync(join(folder, '.incoming/lock')).mode & 0o777).toBe(0o600);
});

it('has one exporter at a time', async () => {
	const first = await opened();
	await expect(opened()).rejects.toThrow(/the export folder is in use by process \d+/);
	await first.close();
	await (await opened()).close();
});

it('names the place when it cannot be written', async () => {
	writeFileSync(join(base, 'a'), 'a file');
	await expect(opened()).rejects.toThrow(/a file|ENOTDIR|EEXIST/);
});

it.skipIf(process.getuid?.() !== 0)(
	'fails on a disk that is full or read-only, leaves no pieces, and goes on after',
	async () => {
		mkdirSync(folder, { recursive: true });
		execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=256k,mode=700', 'tmpfs', folder]);
		try {
			// Without the lock of `open`, whose open file would keep the system from making it read-only.
			mkdirSync(join(folder, '.incoming'));
			const store = openFolderStore(folder);
			expect(await store.create('tile/0/000', bytes('x'))).toBe('created');
			const ballast = join(folder, 'ballast');
			expect(() => writeFileSync(ballast, new Uint8Array(1024 * 1024))).toThrow('ENOSPC');
			for (let i = 1; i < 20; i++) await expect(store.create(`tile/0/00${i}`, bytes('x'))).rejects.toThrow('ENOSPC');
			expect(readdirSync(join(folder, '.incoming'))).toEqual([]);
			rmSync(ballast);
			expect(await store.create('tile/0/001', bytes('x'))).toBe('created');

			execFileSync('mount', ['-o', 'remount,ro', folder]);
			await expect(store.create('tile/0/002', bytes('x'))).rejects.toThrow('EROFS');
			execFileSync('mount', ['-o', 'remount,rw', folder]);
			expect(await store.create('tile/0/002', bytes('x'))).toBe('created');
		} finally {
			execFileSync('umount', ['-l', folder]);
		}
	},
);
