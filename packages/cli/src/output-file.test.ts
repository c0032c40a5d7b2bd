import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
	chmodSync,
	linkSync,
	lstatSync,
	mkdirSync,
	mkdtempSync,
	readdirSync,
	readFileSync,
	rmSync,
	statSync,
	symlinkSync,
	writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { InputFiles } from './input-files.ts';
import { checkOutput, writeOutput } from './output-file.ts';

/** The least that parses as one. */
const BUNDLE = JSON.stringify({
	mediaType: 'application/vnd.dev.sigstore.bundle.v0.3+json',
	verificationMaterial: {},
	messageSignature: { signature: 'AAAA' },
});

let folder: string;
let inputs: InputFiles;
beforeEach(() => {
	folder = mkdtempSync(join(tmpdir(), 'chancery-output-'));
	inputs = new InputFiles();
});
afterEach(() => rmSync(folder, { recursive: true }));

const at = (name: string) => join(folder, name);
const write = (name: string, isForced = false) => writeOutput(at(name), 'new', { inputs, isForced });
const put = (name: string, content: string) => writeFileSync(at(name), content);
const contentOf = (name: string) => readFileSync(at(name), 'utf8');
const leftovers = () => readdirSync(folder).filter((name) => name.startsWith('.chancery-'));

async function read(name: string): Promise<void> {
	await using _input = await inputs.open(at(name), 'the artifact');
}

describe('an output', () => {
	it('is written completely where nothing is, and leaves no other file', async () => {
		await write('a');
		expect(contentOf('a')).toBe('new');
		expect(readdirSync(folder)).toEqual(['a']);
	});

	it('replaces a bundle, whose mode it keeps', async () => {
		put('a', BUNDLE);
		chmodSync(at('a'), 0o600);
		await write('a');
		expect(contentOf('a')).toBe('new');
		expect(statSync(at('a')).mode & 0o777).toBe(0o600);
	});

	it('replaces the bundle that a symbolic link leads to, and keeps the link', async () => {
		put('a', BUNDLE);
		symlinkSync('a', at('link'));
		await write('link');
		expect(contentOf('a')).toBe('new');
		expect(lstatSync(at('link')).isSymbolicLink()).toBe(true);
	});

	it.each([
		['text', 'precious'],
		['nothing', ''],
		['other JSON', '{"mediaType":"application/json"}'],
		['a bundle of an unknown version', BUNDLE.replace('v0.3', 'v9.9')],
		['a bundle with something behind it', `${BUNDLE}x`],
		['a bundle with a member twice', BUNDLE.replace('{', '{"mediaType":1,')],
		['half of a bundle', BUNDLE.slice(0, 60)],
	])('does not replace a file that holds %s, except by force', async (_what, content) => {
		put('a', content);
		await expect(checkOutput(at('a'), { inputs, isForced: false })).rejects.toThrow(/is not a bundle.*--force/);
		await expect(write('a')).rejects.toThrow(/is not a bundle.*--force/);
		expect(contentOf('a')).toBe(content);
		expect(leftovers()).toEqual([]);
		await write('a', true);
		expect(contentOf('a')).toBe('new');
	});

	it.each(['by itself', 'by a hard link', 'by a symbolic link', 'by a link to a link', 'by another way'])(
		'never replaces what is read, named %s, not even by force and not even when it is a bundle',
		async (how) => {
			put('a', BUNDLE);
			mkdirSync(at('sub'));
			linkSync(at('a'), at('hard'));
			symlinkSync('a', at('soft'));
			symlinkSync('soft', at('softer'));
			const names = ['a', 'hard', 'soft', 'softer', 'sub/../a'];
			const hows = ['by itself', 'by a hard link', 'by a symbolic link', 'by a link to a link', 'by another way'];
			await read('a');
			for (const isForced of [false, true])
				await expect(write(names[hows.indexOf(how)] ?? '', isForced)).rejects.toThrow(/never replaced/);
			expect(contentOf('a')).toBe(BUNDLE);
			expect(lstatSync(at('hard')).isFile()).toBe(true);
		},
	);

	it('never replaces what is still to be read, and what was put where something was read', async () => {
		put('a', BUNDLE);
		inputs.expect(at('a'));
		await expect(write('a', true)).rejects.toThrow(/never replaced/);
		put('b', BUNDLE);
		await read('b');
		rmSync(at('b'));
		put('b', BUNDLE);
		await expect(write('b', true)).rejects.toThrow(/never replaced/);
	});

	it('that has appeared since it was looked at is looked at again', async () => {
		await checkOutput(at('a'), { inputs, isForced: false });
		put('a', 'precious');
		await expect(write('a')).rejects.toThrow(/is not a bundle/);
		expect(contentOf('a')).toBe('precious');
	});

	it('of many commands at the same time is the complete output of one', async () => {
		await Promise.all(
			Array.from({ length: 20 }, (_, i) =>
				writeOutput(at('a'), BUNDLE.replace('AAAA', `AAA${i % 10}`.slice(0, 4)), { inputs, isForced: false }).catch(
					() => undefined,
				),
			),
		);
		expect(JSON.parse(contentOf('a')).messageSignature.signature).toMatch(/^AAA/);
		expect(leftovers()).toEqual([]);
	});

	it.each([
		['a folder', 'sub', /is a folder/],
		['a place in a folder that is not there', 'none/a', /folder .*none: it does not exist/],
		['a place below a file', 'file/a', /a part of its path is a file/],
		['a link that leads nowhere', 'dangling', /leads to no file/],
		['a link to itself', 'circle', /in a circle/],
		['a name that no system has', 'x'.repeat(300), /too long/],
	])('cannot be %s, which is said before anything is done', async (_what, name, words) => {
		mkdirSync(at('sub'));
		put('file', '');
		symlinkSync('nowhere', at('dangling'));
		symlinkSync('circle', at('circle'));
		await expect(checkOutput(at(name), { inputs, isForced: false })).rejects.toThrow(words);
		await expect(write(name)).rejects.toThrow(words);
	});

	it('goes into a device as it is', async () => {
		await writeOutput('/dev/null', 'new', { inputs, isForced: false });
		expect(statSync('/dev/null').isCharacterDevice()).toBe(true);
	});

	it.skipIf(process.getuid?.() !== 0)('never goes onto a disk, not even by force', async () => {
		execFileSync('mknod', [at('disk'), 'b', '7', '4000']);
		symlinkSync('disk', at('link'));
		for (const isForced of [false, true])
			for (const name of ['disk', 'link']) {
				await expect(checkOutput(at(name), { inputs, isForced })).rejects.toThrow(/it is a disk; name a file/);
				await expect(write(name, isForced)).rejects.toThrow(/it is a disk/);
			}
	});

	it('cannot be a socket', async () => {
		const server = createServer().listen(at('socket'));
		await once(server, 'listening');
		await expect(checkOutput(at('socket'), { inputs, isForced: true })).rejects.toThrow(/it is a socket/);
		server.close();
	});

	it('is written into a pipe with a reader, and fails with a message without one', async () => {
		execFileSync('mkfifo', [at('pipe')]);
		await expect(write('pipe')).rejects.toThrow(/nobody is at the other end/);
		const reader = spawn('cat', [at('pipe')]);
		let heard = '';
		reader.stdout.on('data', (chunk) => {
			heard += chunk;
		});
		const ended = once(reader, 'exit');
		// Nobody reads the pipe before the reader has opened it.
		for (let done = false; !done; )
			done = await write('pipe').then(
				() => true,
				() => false,
			);
		await ended;
		expect(heard).toBe('new');
	});
});
