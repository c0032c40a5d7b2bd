/** tuf-js as a stranger to the repository: updates from the first root, downloads every target, and is hard to fool. */
import { createHash } from 'node:crypto';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Updater } from 'tuf-js';
import { describe, expect, it } from 'vitest';
import { openInstance } from './running-instance.ts';

const instance = openInstance('instance');
const foreign = openInstance('foreignInstance');

function updater(root: string): { client: Updater; targetDir: string } {
	const metadataDir = mkdtempSync(join(tmpdir(), 'chancery-tuf-js-'));
	const targetDir = join(metadataDir, 'targets');
	mkdirSync(targetDir);
	copyFileSync(root, join(metadataDir, 'root.json'));
	const client = new Updater({
		metadataDir,
		targetDir,
		metadataBaseUrl: instance.urls.tuf,
		targetBaseUrl: `${instance.urls.tuf}/targets`,
	});
	return { client, targetDir };
}

const TARGETS = [
	'trusted_root.json',
	'signing_config.v0.2.json',
	'fulcio_v1.crt.pem',
	'fulcio_intermediate_v1.crt.pem',
	'rekor.pub',
	'ctfe.pub',
	'tsa_leaf.crt.pem',
	'tsa_root.crt.pem',
];

describe('tuf-js', () => {
	it.each(TARGETS)('downloads %s', async (name) => {
		const { client } = updater(instance.root.path);
		await client.refresh();
		const info = await client.getTargetInfo(name);
		expect(info).toBeDefined();
		if (!info) return;
		const content = readFileSync(await client.downloadTarget(info));
		expect(createHash('sha256').update(content).digest('hex')).toBe(info.hashes.sha256);
	});

	it('refuses the repository when it trusts the root of another instance', async () => {
		const { client } = updater(foreign.root.path);
		await expect(client.refresh()).rejects.toThrow();
	});
});

describe('the repository', () => {
	const get = (path: string) => fetch(`${instance.urls.tuf}${path}`);

	it('answers 404 for the root that does not exist yet, and never from a cache', async () => {
		const reply = await get('/2.root.json');
		expect(reply.status).toBe(404);
		expect(reply.headers.get('cache-control')).toBe('no-store');
	});

	it.each([
		['/timestamp.json', 'no-store'],
		['/1.root.json', 'public, max-age=31536000, immutable'],
		['/1.targets.json', 'public, max-age=31536000, immutable'],
	])('serves %s with cache-control %s', async (path, cacheControl) => {
		const reply = await get(path);
		expect(reply.status).toBe(200);
		expect(reply.headers.get('cache-control')).toBe(cacheControl);
		expect(reply.headers.get('content-type')).toBe('application/json');
	});

	it('serves targets also below a doubled slash, as @sigstore/tuf asks', async () => {
		const targets = (await (await get('/1.targets.json')).json()) as {
			signed: { targets: Record<string, { hashes: { sha256: string } }> };
		};
		const hash = targets.signed.targets['trusted_root.json']?.hashes.sha256;
		expect((await get(`//targets/${hash}.trusted_root.json`)).status).toBe(200);
	});

	it.each([
		'/0.root.json',
		'/01.root.json',
		'/..%2fchancery.json',
		'/targets/..%2f..%2fkeys',
		'/99999999999.targets.json',
		'/timestamp.json/',
		'/targets//trusted_root.json',
	])('answers 404 for %s', async (path) => {
		expect((await get(path)).status).toBe(404);
	});
});
