import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TufRepository } from '../test/tuf-repository.ts';
import { ClientError } from './client-error.ts';
import { fetchTrust } from './tuf-client.ts';

const ROOT = '{"mediaType":"application/vnd.dev.sigstore.trustedroot+json;version=0.1"}';
const CONFIG = '{"mediaType":"application/vnd.dev.sigstore.signingconfig.v0.2+json"}';
const TARGETS = { 'trusted_root.json': ROOT, 'signing_config.v0.2.json': CONFIG };

let repository: TufRepository;
let cacheDir: string;
beforeEach(async () => {
	repository = await TufRepository.start();
	repository.publish(TARGETS);
	cacheDir = join(mkdtempSync(join(tmpdir(), 'chancery-client-')), 'cache');
});
afterEach(async () => {
	await repository.close();
	rmSync(join(cacheDir, '..'), { recursive: true });
});

const first = () => fetchTrust({ mirror: repository.url, cacheDir, initialRoot: repository.initialRoot });
const again = (changes = {}) => fetchTrust({ mirror: repository.url, cacheDir, ...changes });

async function expectUnavailable(attempt: Promise<unknown>, words: RegExp): Promise<void> {
	const error = await attempt.then(
		() => undefined,
		(thrown: unknown) => thrown,
	);
	expect(error).toBeInstanceOf(ClientError);
	expect((error as ClientError).code).toBe('trust-unavailable');
	expect((error as ClientError).message).toMatch(words);
}

describe('fetching trust', () => {
	it('begins with a root, and then needs none', async () => {
		const trust = await first();
		expect(trust.trust.tlogs).toEqual([]);
		expect(readFileSync(trust.trustedRootPath, 'utf8')).toBe(ROOT);
		expect(readFileSync(trust.signingConfigPath, 'utf8')).toBe(CONFIG);
		expect((await again()).signingConfig.caUrls).toEqual([]);
	});

	it('without a root, when there is none in the cache, makes no request', async () => {
		await expectUnavailable(again(), /there is no root for http:.* yet; give one that you trust/);
		expect(repository.asked).toEqual([]);
	});

	it.each([
		['no JSON', 'x'],
		['an empty file', ''],
		['another file', '{"signatures":[],"signed":{"_type":"targets"}}'],
		['a root that nobody signed', undefined],
	])('with %s as root fails, and does not keep the right one from being used', async (_what, text) => {
		const unsigned = { ...JSON.parse(Buffer.from(repository.initialRoot).toString()), signatures: [] };
		const initialRoot = Buffer.from(text ?? JSON.stringify(unsigned));
		await expectUnavailable(again({ initialRoot }), /gave no trusted root/);
		await first();
	});

	it('with the root of another instance fails, and does not keep the right one from being used', async () => {
		const other = await TufRepository.start();
		other.publish(TARGETS);
		await expectUnavailable(again({ initialRoot: other.initialRoot }), /gave no trusted root/);
		await other.close();
		await first();
	});

	it('keeps a root that once led somewhere, whatever root comes later', async () => {
		await first();
		await again({ initialRoot: Buffer.from('x') });
		repository.files.delete('/timestamp.json');
		await expectUnavailable(again({ initialRoot: Buffer.from('x') }), /gave no trusted root/);
		repository.publish(TARGETS, 2);
		await again();
	});

	it('leaves nothing but the cache behind', async () => {
		await first();
		expect(readdirSync(cacheDir).filter((name) => name.endsWith('.root'))).toEqual([]);
	});

	it('does not mind slashes at the end of the address', async () => {
		await fetchTrust({ mirror: `${repository.url}//`, cacheDir, initialRoot: repository.initialRoot });
		expect(repository.asked.filter((path) => path.startsWith('//'))).toEqual([]);
	});

	it('by two runs at once works for both', async () => {
		const both = await Promise.all([first(), first()]);
		expect(both.map(({ trust }) => trust.ctlogs)).toEqual([[], []]);
	});
});

describe('a repository', () => {
	it('that is gone is named', async () => {
		await first();
		await repository.close();
		await expectUnavailable(again(), new RegExp(`^${repository.url} gave no trusted root`));
		repository = await TufRepository.start();
	});

	it('that has expired is refused', async () => {
		await first();
		repository.publish(TARGETS, 2, Date.now() - 1000);
		await expectUnavailable(again(), /expired/i);
	});

	it('that goes back is refused', async () => {
		repository.publish(TARGETS, 2);
		await first();
		repository.publish(TARGETS, 1);
		await expectUnavailable(again(), /version/i);
	});

	it.each(['trusted_root.json', 'signing_config.v0.2.json'])('without %s is refused', async (name) => {
		repository.publish(Object.fromEntries(Object.entries(TARGETS).filter(([other]) => other !== name)));
		await expectUnavailable(first(), new RegExp(`no target ${name}`));
	});

	it.each([
		['trusted_root.json', 'no JSON'],
		['trusted_root.json', '{"mediaType":"x"}'],
		['signing_config.v0.2.json', '[]'],
		['signing_config.v0.2.json', `{"a":${'['.repeat(5000)}${']'.repeat(5000)}}`],
	])('whose %s says %s is refused although it is signed', async (name, content) => {
		repository.publish({ ...TARGETS, [name]: content });
		await expectUnavailable(first(), /gave no trusted root/);
	});

	it('whose target was replaced is refused', async () => {
		const path = [...repository.files.keys()].find((file) => file.endsWith('.trusted_root.json')) ?? '';
		repository.files.set(path, Buffer.from(ROOT.replace('0.1', '0.2')));
		await expectUnavailable(first(), /gave no trusted root/);
	});

	it('is asked again when a file in the cache was changed', async () => {
		const { trustedRootPath } = await first();
		writeFileSync(trustedRootPath, ROOT.replace('}', ',"tlogs":[7]}'));
		expect((await again()).trust.tlogs).toEqual([]);
		expect(readFileSync(trustedRootPath, 'utf8')).toBe(ROOT);
	});
});
