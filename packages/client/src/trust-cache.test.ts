import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
	cpSync,
	existsSync,
	mkdirSync,
	mkdtempSync,
	readdirSync,
	readFileSync,
	readlinkSync,
	rmSync,
	utimesSync,
	writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TufRepository } from '../test/tuf-repository.ts';
import { beginTrust, fetchTrust } from './tuf-client.ts';

const ROOT = '{"mediaType":"application/vnd.dev.sigstore.trustedroot+json;version=0.1"}';
const CONFIG = '{"mediaType":"application/vnd.dev.sigstore.signingconfig.v0.2+json"}';
const TARGETS = { 'trusted_root.json': ROOT, 'signing_config.v0.2.json': CONFIG };

let repository: TufRepository;
let base: string;
let cacheDir: string;
beforeEach(async () => {
	repository = await TufRepository.start();
	repository.publish(TARGETS, 5);
	base = mkdtempSync(join(tmpdir(), 'chancery-trust-'));
	cacheDir = join(base, 'cache');
});
afterEach(async () => {
	await repository.close();
	rmSync(base, { recursive: true });
});

const begin = (changes = {}) =>
	beginTrust({ mirror: repository.url, cacheDir, initialRoot: repository.initialRoot, ...changes });
const again = (changes = {}) => fetchTrust({ mirror: repository.url, cacheDir, ...changes });
const generations = () => readdirSync(cacheDir).filter((name) => /^[0-9]+$/.test(name));
const seenVersion = () => {
	const newest = generations().toSorted((a, b) => Number(b) - Number(a))[0] ?? '';
	return JSON.parse(readFileSync(join(cacheDir, newest, 'timestamp.json'), 'utf8')).signed.version;
};

/** Other keys at the same address: an instance that was made again. */
async function becomeAnother(version = 1): Promise<void> {
	const other = await TufRepository.start();
	other.publish(TARGETS, version);
	repository.files.clear();
	for (const [path, content] of other.files) repository.files.set(path, content);
	await other.close();
}

describe('beginning again', () => {
	it('at a mirror that cannot be reached keeps the trust, and the memory of versions', async () => {
		await begin();
		const files = new Map(repository.files);
		repository.files.clear();
		await expect(begin()).rejects.toMatchObject({ code: 'trust-unavailable' });
		await expect(
			beginTrust({ mirror: 'http://127.0.0.1:1', cacheDir, initialRoot: files.get('/1.root.json') ?? Buffer.of() }),
		).rejects.toMatchObject({
			code: 'trust-unavailable',
		});
		for (const [path, content] of files) repository.files.set(path, content);
		await again();
		repository.publish(TARGETS, 4);
		await expect(again()).rejects.toThrow(/version/i);
	});

	it('with the root that one has does not open the way back to an older state', async () => {
		await begin();
		repository.publish(TARGETS, 4);
		await expect(begin()).rejects.toThrow(/version/i);
		expect(seenVersion()).toBe(5);
	});

	it('with an old root of the repository goes on from the newest that was seen', async () => {
		repository.publishRoot(2);
		repository.publishRoot(3);
		await begin();
		repository.files.delete('/2.root.json');
		repository.files.delete('/3.root.json');
		await begin();
		expect(readFileSync(join(cacheDir, 'current', 'root.json'), 'utf8')).toContain('"version":3');
	});

	it('with a newer root than the mirror shows is refused, and says both', async () => {
		await begin();
		repository.publishRoot(2);
		const newer = repository.files.get('/2.root.json');
		repository.files.delete('/2.root.json');
		await expect(begin({ initialRoot: newer })).rejects.toThrow(/shows root 1, but root 2/);
		await again();
	});

	it('with the root of another repository replaces the trust once that has led somewhere', async () => {
		await begin();
		await becomeAnother();
		await expect(again()).rejects.toMatchObject({ code: 'trust-unavailable' });
		const timestamp = repository.files.get('/timestamp.json') ?? Buffer.of();
		repository.files.delete('/timestamp.json');
		await expect(begin()).rejects.toMatchObject({ code: 'trust-unavailable' });
		expect(seenVersion()).toBe(5);
		repository.files.set('/timestamp.json', timestamp);
		await begin();
		expect(seenVersion()).toBe(1);
		await again();
	});

	it.each([
		['no JSON', 'x'],
		['nothing', ''],
		['other metadata', '{"signatures":[],"signed":{"_type":"targets"}}'],
		['a root without signatures', undefined],
	])('with %s as the root changes nothing and makes no request', async (_what, text) => {
		await begin();
		const asked = repository.asked.length;
		const unsigned = { ...JSON.parse(Buffer.from(repository.initialRoot).toString()), signatures: [] };
		await expect(begin({ initialRoot: Buffer.from(text ?? JSON.stringify(unsigned)) })).rejects.toThrow(/no TUF root/);
		expect(repository.asked).toHaveLength(asked);
		await again();
	});

	it('over a damaged cache heals it', async () => {
		await begin();
		writeFileSync(join(cacheDir, '1', 'root.json'), '{');
		await expect(again()).rejects.toMatchObject({ code: 'trust-unavailable' });
		await begin();
		await again();
	});

	it('by many at once works for all, and leaves one newest state', async () => {
		await Promise.all(Array.from({ length: 8 }, () => begin()));
		expect(readdirSync(cacheDir).filter((name) => name.startsWith('.'))).toEqual([]);
		expect(readlinkSync(join(cacheDir, 'current'))).toBe(generations().at(-1));
	});
});

describe('updates at once', () => {
	it('never replace what is newer by what is older', async () => {
		await begin();
		// The first update has seen version 6 and hangs before its end. The second sees 7 and ends. Then the first continues.
		repository.publish(TARGETS, 6);
		repository.hangsAt = [...repository.files.keys()].find((path) => path.startsWith('/6.targets'));
		const slow = again();
		while (!repository.asked.includes(repository.hangsAt ?? '')) await setTimeout(5);
		repository.hangsAt = undefined;
		repository.publish(TARGETS, 7);
		await again();
		expect(seenVersion()).toBe(7);
		await repository.close();
		await slow.catch(() => undefined);
		expect(seenVersion()).toBe(7);
		repository = await TufRepository.start();
	});

	it('wait for a mirror that is overloaded', async () => {
		await begin();
		repository.turnsAway = 2;
		repository.publish(TARGETS, 6);
		const said: string[] = [];
		await again({ onWait: (message: string) => said.push(message) });
		expect(seenVersion()).toBe(6);
		expect(said).toEqual([expect.stringMatching(/answered 503; trying again/), expect.any(String)]);
	});
});

describe('a client that is killed', () => {
	const PATHS = [
		'/2.root.json',
		'/timestamp.json',
		'/6.snapshot.json',
		'/6.targets.json',
		'trusted_root',
		'signing_config',
	];
	it.each(PATHS)('while it waits for %s leaves the trust and the memory of versions', async (part) => {
		await begin();
		repository.publish({ ...TARGETS, 'trusted_root.json': `${ROOT} `, 'signing_config.v0.2.json': `${CONFIG} ` }, 6);
		repository.hangsAt = [...repository.files.keys()].findLast((path) => path.includes(part)) ?? part;
		const child = start();
		while (!repository.asked.includes(repository.hangsAt ?? '')) await setTimeout(10);
		child.kill('SIGKILL');
		await once(child, 'exit');
		repository.hangsAt = undefined;

		expect(seenVersion()).toBe(5);
		expect(readFileSync(join(cacheDir, 'current', 'targets', 'trusted_root.json'), 'utf8')).toBe(ROOT);
		repository.publish(TARGETS, 4);
		await expect(again()).rejects.toThrow(/version/i);
		repository.publish(TARGETS, 7);
		await again();
		expect(seenVersion()).toBe(7);
	});

	it('before there was any trust leaves none', async () => {
		repository.hangsAt = '/timestamp.json';
		const child = start();
		while (!repository.asked.includes('/timestamp.json')) await setTimeout(10);
		child.kill('SIGKILL');
		await once(child, 'exit');
		repository.hangsAt = undefined;
		await expect(again()).rejects.toThrow(/there is no root/);
		await begin();
	});

	it('leaves a draft that a later update removes', async () => {
		await begin();
		const abandoned = join(cacheDir, '.draft-00000000-0000-4000-8000-000000000000');
		const fresh = join(cacheDir, '.draft-00000000-0000-4000-8000-000000000001');
		for (const folder of [abandoned, fresh]) mkdirSync(folder);
		utimesSync(abandoned, 0, 0);
		repository.publish(TARGETS, 6);
		await again();
		expect([existsSync(abandoned), existsSync(fresh)]).toEqual([false, true]);
	});

	it('between the rename and the link leaves a generation that counts, and a link that is renewed', async () => {
		await begin();
		cpSync(join(cacheDir, '1'), join(cacheDir, '2'), { recursive: true });
		const { trustedRootPath } = await again();
		expect(dirname(dirname(trustedRootPath))).toBe(join(cacheDir, '2'));
		repository.publish(TARGETS, 6);
		expect((await again()).trustedRootPath).toBe(join(cacheDir, 'current', 'targets', 'trusted_root.json'));
		expect(readlinkSync(join(cacheDir, 'current'))).toBe('3');
	});

	function start(): ChildProcess {
		const root = join(base, 'root.json');
		writeFileSync(root, repository.initialRoot);
		const program = join(import.meta.dirname, '../test/begin-trust-process.ts');
		return spawn(process.execPath, [program, repository.url, cacheDir, root], { stdio: 'ignore' });
	}
});

describe('a cache of an earlier version', () => {
	it('is found again with its memory of versions, and left as it is', async () => {
		const earlierCacheDir = join(base, 'localhost%3A7407');
		await begin();
		cpSync(join(cacheDir, '1'), earlierCacheDir, { recursive: true });
		rmSync(cacheDir, { recursive: true });
		const before = readFileSync(join(earlierCacheDir, 'timestamp.json'));
		repository.publish(TARGETS, 4);
		await expect(again({ earlierCacheDir })).rejects.toThrow(/version/i);
		repository.publish(TARGETS, 6);
		await again({ earlierCacheDir });
		expect(seenVersion()).toBe(6);
		expect(readFileSync(join(earlierCacheDir, 'timestamp.json'))).toEqual(before);
	});
});

it('the trusted files stay where they were said to be, over any number of updates', async () => {
	const { trustedRootPath } = await begin();
	for (let version = 6; version < 12; version++) {
		repository.publish(TARGETS, version);
		await again();
	}
	expect(readFileSync(trustedRootPath, 'utf8')).toBe(ROOT);
	expect(generations()).toHaveLength(2);
	await again();
	expect(generations()).toHaveLength(2);
});
