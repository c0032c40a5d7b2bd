import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { openFileMark, readFileMark } from '@chancery/postgres/mark/file-mark';
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

/** Has the mark open in a process of its own until that is killed. */
const HOLD = `const { openFileMark } = await import(${JSON.stringify(import.meta.resolve('@chancery/postgres/mark/file-mark'))});
await openFileMark(process.argv[1]).read(); console.log('held'); setInterval(() => {}, 1000);`;

/** For two seconds: reads, and goes one step beyond. Ends with an error when the mark ever stands lower than it had put it. */
const CLIMB = `const { openFileMark } = await import(${JSON.stringify(import.meta.resolve('@chancery/postgres/mark/file-mark'))});
const [path, number] = process.argv.slice(1);
const mark = openFileMark(path);
let steps = 0, last = 0;
for (const end = Date.now() + 2_000; Date.now() < end; steps++) {
	const size = (await mark.read())?.size ?? 0;
	if (size < last) throw new Error('the mark went back from ' + last + ' to ' + size);
	last = size + Number(number);
	const root = new Uint8Array(32).fill(last % 251);
	await mark.advance({ origin: 'log.example', keyId: new Uint8Array(32), size: last, root, note: new Uint8Array(1) });
}
await mark.close();
console.log(JSON.stringify({ steps, last }));`;

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
		await expect(mark.read()).rejects.toThrow(/mark\.json\.lock cannot be used \(E[A-Z]+: [a-z ]+\)$/);
		await mkdir(path, { recursive: true });
		await expect(openFileMark(path).replace(markAt(1))).rejects.toThrow(/mark\.json cannot be written \(EISDIR: .+\)$/);
	});

	it('is one mark for all that have it open, and none of them knows what is in it but by reading', async () => {
		const [a, b] = [openFileMark(path), openFileMark(path)];
		expect(await a.holder!()).toBe(await b.holder!());
		await a.advance(markAt(3));
		expect((await b.read())?.size).toBe(3);
		await b.advance(markAt(7));
		await a.advance(markAt(5));
		expect((await a.read())?.size).toBe(7);
		await expect(a.advance(markAt(7, 9))).rejects.toThrow(/has root/);
		await Promise.all([a.close!(), b.close!()]);
	});

	it('is set anew by whoever has it alone, and by nobody else', async () => {
		const holder = spawn(process.execPath, ['--input-type=module', '-e', HOLD, path]);
		await once(holder.stdout, 'data');
		const mark = openFileMark(path);
		await mark.advance(markAt(3));
		// The last that opened it is this one, and no help.
		await expect(mark.takeAlone!()).rejects.toThrow(/in use by another process: stop every process/);
		await expect(mark.replace(markAt(1))).rejects.toThrow(MarkInUseError);
		// Refused, and as usable as before.
		await mark.advance(markAt(4));
		holder.kill('SIGKILL');
		await once(holder, 'exit');
		const shareAgain = await mark.takeAlone!();
		await expect(openFileMark(path).read()).rejects.toThrow(/wait until that has ended/);
		await mark.replace(markAt(1));
		await shareAgain();
		const other = openFileMark(path);
		expect((await other.read())?.size).toBe(1);
		await Promise.all([mark.close!(), other.close!()]);
	});

	it('of another host is refused while that has it open, and found out when it takes ours', async () => {
		const mark = openFileMark(path);
		await mark.advance(markAt(3));
		const elsewhere = JSON.stringify({ host: 'another boot', process: 12, name: 'node-b' });
		// The other one did not see our lock: it has written itself down.
		await writeFile(`${path}.host`, elsewhere);
		const refusal = /in use by process 12 on node-b: that is another host.*markDatabase or markBucket/;
		for (const use of [() => mark.read(), () => mark.advance(markAt(4)), () => openFileMark(path).read()])
			await expect(use()).rejects.toThrow(refusal);
		await expect(mark.read()).rejects.toThrow(MarkInUseError);
		await mark.close!();
		// Nobody has it open any more: the record is left from a host that is gone, or from before a restart of this one.
		const next = openFileMark(path);
		expect((await next.read())?.size).toBe(3);
		await next.close!();
	});

	it('whose lock somebody removes is not used on with another lock', async () => {
		const mark = openFileMark(path);
		await mark.advance(markAt(3));
		await rm(`${path}.lock`);
		const other = openFileMark(path);
		await other.read();
		await expect(mark.read()).rejects.toThrow(/mark\.json\.lock was removed while it was in use: stop every process/);
		await Promise.all([mark.close!(), other.close!()]);
	});

	it('that cannot be written is found by a probe, which leaves nothing behind', async () => {
		const mark = openFileMark(path);
		await mark.advance(markAt(3));
		await mark.probe!();
		const left = (await readdir(dirname(path))).sort();
		expect(left).toEqual(['mark.json', 'mark.json.host', 'mark.json.lock', 'mark.json.next']);
		await rename(dirname(path), `${dirname(path)}.away`);
		await expect(mark.probe!()).rejects.toThrow(/\.lock was removed while it was in use/);
		await rename(`${dirname(path)}.away`, dirname(path));
		await mark.probe!();
		// What the next write needs is in its way.
		await mkdir(`${path}.new`);
		await expect(mark.probe!()).rejects.toThrow(/could not be written now \(EISDIR/);
		await rm(`${path}.new`, { recursive: true });
		await mark.probe!();
		await mark.close!();
	});

	it('is moved on by several processes at once without a step back, each of them getting its turn', async () => {
		const writers = ['1', '2', '3'].map((number) =>
			spawn(process.execPath, ['--input-type=module', '-e', CLIMB, path, number], {
				stdio: ['ignore', 'pipe', 'inherit'],
			}),
		);
		const reports = await Promise.all(
			writers.map(async ({ stdout }) => JSON.parse(await text(stdout)) as { steps: number; last: number }),
		);
		for (const { steps } of reports) expect(steps).toBeGreaterThan(20);
		expect((await readFileMark(path))?.size).toBe(Math.max(...reports.map(({ last }) => last)));
	}, 30_000);
});

describe('a log with a file mark', () => {
	it('shares it with other processes, refuses to start beside a second file, and to be adopted while it runs', async () => {
		const world = await createWorld();
		try {
			const first = await world.open({ mark: openFileMark(path) });
			await first.log.submit(textEntry('one'));
			const beside = await world.open({ mark: openFileMark(path) });
			expect(await beside.log.submit(textEntry('beside'))).toMatchObject({ index: 1 });
			expect(await first.log.submit(textEntry('one'))).toMatchObject({ index: 0, duplicate: true });
			const order = { database: world.database, schema: SCHEMA, identity: IDENTITY, expect: 2 };
			const adoptOurs = () => adoptHead({ ...order, mark: openFileMark(path), reason: 'while it runs' });
			await expect(adoptOurs()).rejects.toThrow(MarkInUseError);
			expect(await world.database.query(`select reason from ${SCHEMA}.tlog_adoptions`)).toEqual([]);
			await beside.close();

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
				expect: 2,
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
