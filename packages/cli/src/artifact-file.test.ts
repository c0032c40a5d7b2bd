import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
	appendFileSync,
	mkdirSync,
	mkdtempSync,
	rmSync,
	statSync,
	truncateSync,
	utimesSync,
	writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { digestFile, readWholeFile } from './artifact-file.ts';
import { InputFiles } from './input-files.ts';

let folder: string;
let path: string;
beforeEach(() => {
	folder = mkdtempSync(join(tmpdir(), 'chancery-artifact-'));
	path = join(folder, 'artifact');
});
afterEach(() => rmSync(folder, { recursive: true }));

const digest = (at = path, inputs = new InputFiles()) =>
	digestFile(at, ['SHA2_256', 'SHA2_384', 'SHA2_512'], inputs, { isQuiet: true });

describe('the digests of a file', () => {
	it.each([0, 1, 65_536, 1_048_575, 1_048_576, 1_048_577, 5_000_000])(
		'of %i bytes are those of node:crypto',
		async (size) => {
			const bytes = Buffer.alloc(size, 'chancery');
			writeFileSync(path, bytes);
			const of = (name: string) => createHash(name).update(bytes).digest();
			expect(await digest()).toEqual({
				digests: [
					{ algorithm: 'SHA2_256', value: of('sha256') },
					{ algorithm: 'SHA2_384', value: of('sha384') },
					{ algorithm: 'SHA2_512', value: of('sha512') },
				],
			});
		},
	);

	it.each([
		['grows', () => appendFileSync(path, 'x')],
		['is cut short', () => truncateSync(path, 3)],
		['is emptied', () => truncateSync(path, 0)],
		[
			'is written again with the same length',
			() => {
				writeFileSync(path, Buffer.alloc(statSync(path).size, 'z'));
				utimesSync(path, new Date(), new Date(Date.now() + 5000));
			},
		],
	])('are not given for one that %s meanwhile', async (_what, change) => {
		writeFileSync(path, Buffer.alloc(40_000_000));
		const inputs = new InputFiles();
		const open = inputs.open.bind(inputs);
		// Between opening the file and reading its end.
		inputs.open = async (...args) => {
			const input = await open(...args);
			setImmediate(change);
			return input;
		};
		await expect(digest(path, inputs)).rejects.toThrow(/changed while it was read/);
	});

	it.each([
		['a folder', () => mkdirSync(path), /is a folder/],
		['a pipe', () => execFileSync('mkfifo', [path]), /is a pipe and no file.*'-'/],
		['nothing', () => undefined, /does not exist/],
		[
			'a name that is too long',
			() => {
				path = join(folder, 'x'.repeat(300));
			},
			/name is too long/,
		],
		[
			'a place below a file',
			() => {
				writeFileSync(path, '');
				path = join(path, 'x');
			},
			/a part of its path is a file/,
		],
		[
			'a device',
			() => {
				path = '/dev/zero';
			},
			/is a device/,
		],
		[
			'nothing that was named',
			() => {
				path = '';
			},
			/is empty/,
		],
		[
			'what the kernel cannot read',
			() => {
				path = '/proc/self/mem';
			},
			/cannot be read: the disk reports an error|changed/,
		],
	])('are not those of %s, and nothing waits', async (_what, make, words) => {
		make();
		await expect(digest(path)).rejects.toThrow(words);
	});

	it('are not those of a socket', async () => {
		const server = createServer();
		await new Promise<void>((resolve) => server.listen(path, resolve));
		await expect(digest()).rejects.toThrow(/artifact/);
		await new Promise((resolve) => server.close(resolve));
	});
});

describe('a file that must be held whole', () => {
	it('is held up to a bound, beyond which is said why', async () => {
		const whole = () => readWholeFile(path, 2_000_000, 'because', new InputFiles(), { isQuiet: true });
		writeFileSync(path, Buffer.alloc(2_000_000, 'a'));
		expect(await whole()).toEqual({ bytes: Buffer.alloc(2_000_000, 'a') });
		appendFileSync(path, 'a');
		await expect(whole()).rejects.toThrow(/longer than 2000000 bytes: because/);
	});
});
