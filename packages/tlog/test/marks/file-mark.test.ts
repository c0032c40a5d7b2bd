import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { openFileMark } from '@chancery/postgres/mark/file-mark';
import { type Mark, MarkError, MarkInUseError } from '@chancery/postgres/mark/mark';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { adoptHead } from '../../src/log/adopt-head.ts';
import { createWorld, IDENTITY, SCHEMA, textEntry } from '../log-world.ts';

let folder: string;
let path: string;
let number = 0;
beforeAll(async () => {
	folder = await mkdtemp(join(tmpdir(), 'tlog-mark-'));
});
afterAll(() => rm(folder, { recursive: true }));
beforeEach(() => {
	path = join(folder, String(number++), 'mark.json');
});

const keyId = new Uint8Array(randomBytes(32));
const markAt = (size: number, fill = size): Mark => ({
	origin: 'log.example',
	keyId,
	size,
	root: new Uint8Array(32).fill(fill),
	note: Buffer.from(`checkpoint ${size}`),
});

/** Holds the mark in a process of its own until that is killed. */
const HOLD = `const { openFileMark } = await import(${JSON.stringify(import.meta.resolve('@chancery/postgres/mark/file-mark'))});
await openFileMark(process.argv[1]).read(); console.log('held'); setInterval(() => {}, 1000);`;

describe('a file mark', () => {
	it('keeps the largest mark over restarts', async () => {
		const mark = openFileMark(path);
		expect(await mark.read()).toBeUndefined();
		await Promise.all([mark.advance(markAt(3)), mark.advance(markAt(7)), mark.advance(markAt(5))]);
		await mark.close!();
		const again = openFileMark(path);
		expect(await again.read()).toMatchObject({ size: 7, origin: 'log.example', root: new Uint8Array(32).fill(7) });
		expect(Buffer.from((await again.read())!.note).toString()).toBe('checkpoint 7');
	});

	it('keeps its name over restarts, and gets a new one when an operator sets it anew', async () => {
		const mark = openFileMark(path);
		const name = await mark.holder!();
		await mark.advance(markAt(1));
		await mark.close!();
		const again = openFileMark(path);
		expect(await again.holder!()).toBe(name);
		await again.replace(markAt(1));
		expect(await again.holder!()).not.toBe(name);
	});

	it('refuses a second root at one size', async () => {
		const mark = openFileMark(path);
		await mark.advance(markAt(4));
		await expect(mark.advance(markAt(4, 9))).rejects.toThrow(MarkError);
		await expect(mark.advance(markAt(4))).resolves.toBeUndefined();
	});

	it('refuses to be shared by two logs, naming both', async () => {
		const mark = openFileMark(path);
		await mark.advance(markAt(4));
		const other = { ...markAt(9), origin: 'other.example', keyId: new Uint8Array(32) };
		await expect(mark.advance(other)).rejects.toThrow(/belongs to log\.example .*not to other\.example/);
	});

	it('never takes a damaged file for a mark or for none', async () => {
		const mark = openFileMark(path);
		await mark.advance(markAt(4));
		const text = await readFile(path, 'utf8');
		for (let at = 0; at < text.length; at += 7) {
			for (const damaged of [text.slice(0, at), `${text.slice(0, at)}#${text.slice(at + 1)}`]) {
				await writeFile(path, damaged);
				await expect(mark.read(), damaged).rejects.toThrow(MarkError);
				await expect(mark.advance(markAt(9)), damaged).rejects.toThrow(MarkError);
			}
		}
		await writeFile(path, text);
		expect((await mark.read())?.size).toBe(4);
	});

	it('says so when its place cannot be written', async () => {
		await writeFile(join(folder, 'a-file'), '');
		const mark = openFileMark(join(folder, 'a-file', 'mark.json'));
		await expect(mark.read()).rejects.toThrow(/mark\.json\.lock cannot be made \(E[A-Z]+: [a-z ]+\)$/);
		await mkdir(path, { recursive: true });
		await expect(openFileMark(path).replace(markAt(1))).rejects.toThrow(/mark\.json cannot be written \(EISDIR: .+\)$/);
	});

	it('belongs to one process at a time', async () => {
		const mark = openFileMark(path);
		await mark.read();
		await expect(openFileMark(path).read()).rejects.toThrow(MarkInUseError);
		await mark.close!();
		await expect(openFileMark(path).read()).resolves.toBeUndefined();
	});

	it('is left by a process that is killed, whatever its number is used for later', async () => {
		const holder = spawn(process.execPath, ['--input-type=module', '-e', HOLD, path]);
		await once(holder.stdout, 'data');
		await expect(openFileMark(path).read()).rejects.toThrow(
			new RegExp(`in use by process ${holder.pid} on ${hostname()}`),
		);
		holder.kill('SIGKILL');
		await once(holder, 'exit');
		const next = openFileMark(path);
		await expect(next.advance(markAt(3))).resolves.toBeUndefined();
		await next.close?.();
	});
});

describe('a log with a file mark', () => {
	it('refuses to start beside a second file, and beside the same file in use', async () => {
		const world = await createWorld();
		try {
			const first = await world.open({ mark: openFileMark(path) });
			await first.log.submit(textEntry('one'));
			await expect(world.open({ mark: openFileMark(path) })).rejects.toMatchObject({ code: 'unavailable' });

			// Another host with a file of its own, which somebody had adopted there.
			const elsewhere = openFileMark(`${path}.elsewhere`);
			await elsewhere.replace({ ...(await openCopy(path)), size: 1 });
			await expect(world.open({ mark: elsewhere })).rejects.toMatchObject({
				code: 'identity-mismatch',
				detail: expect.stringMatching(/belongs to the mark .*, configured is /),
			});
			await elsewhere.close!();

			// An operator moves the log over: now the first one is the stranger, and finds out before it signs again.
			await adoptHead({
				database: world.database,
				schema: SCHEMA,
				identity: IDENTITY,
				mark: elsewhere,
				expect: 1,
				reason: 'moved to another host',
			});
			await expect(first.log.submit(textEntry('two'))).rejects.toMatchObject({ code: 'read-only', detail: /foreign/ });
			await elsewhere.close!();
			const moved = await world.open({ mark: elsewhere });
			expect(await moved.log.submit(textEntry('three'))).toMatchObject({ duplicate: false });
		} finally {
			await world.end();
		}
	});
});

/** The mark in a file that another process has open. */
async function openCopy(original: string): Promise<Mark> {
	await writeFile(`${original}.copy`, await readFile(original));
	return (await openFileMark(`${original}.copy`).read())!;
}
