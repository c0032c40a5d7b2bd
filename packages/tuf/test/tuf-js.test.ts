/** tuf-js reads what the service publishes, from a real server. */

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateSigner } from '@chancery/keys/file/generate';
import { Updater } from 'tuf-js';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { renewOnlineMetadata } from '../src/domain/publish.ts';
import { DAY_MS, TestRepository } from './repository.ts';

const FILES = { 'trusted_root.json': '{"a":1}', 'signing_config.v0.2.json': '{}' };

let repository: TestRepository;
let mirror: string;
let folder: string;
beforeAll(async () => {
	repository = await TestRepository.open();
	// tuf-js asks the system for the time.
	vi.useFakeTimers({ toFake: ['Date'] });
});
afterAll(async () => {
	vi.useRealTimers();
	await repository.close();
});
beforeEach(async () => {
	await repository.reset();
	await repository.restart();
	mirror = await repository.app('public').listen({ host: '127.0.0.1', port: 0 });
	vi.setSystemTime(repository.nowMs);
	await repository.publishRoot();
	await repository.publishTargets(1, FILES);
	folder = mkdtempSync(join(tmpdir(), 'chancery-tuf-'));
	mkdirSync(join(folder, 'targets'));
	writeFileSync(join(folder, 'root.json'), (await repository.get('/1.root.json')).bytes);
});
afterEach(async () => {
	await repository.app('public').close();
	rmSync(folder, { recursive: true });
});

async function pass(days: number): Promise<void> {
	repository.nowMs += days * DAY_MS;
	vi.setSystemTime(repository.nowMs);
}

/** A client that remembers what it saw, like a new run of one. */
async function refresh(baseUrl: string = mirror): Promise<Updater> {
	const updater = new Updater({
		metadataDir: folder,
		metadataBaseUrl: baseUrl,
		targetDir: join(folder, 'targets'),
		targetBaseUrl: `${baseUrl}/targets`,
		config: { fetchRetry: 0 },
	});
	await updater.refresh();
	return updater;
}

async function download(updater: Updater, name: string): Promise<string | undefined> {
	const info = await updater.getTargetInfo(name);
	return info && readFileSync(await updater.downloadTarget(info), 'utf8');
}

const remembered = (role: string) => JSON.parse(readFileSync(join(folder, `${role}.json`), 'utf8')).signed.version;

describe('tuf-js', () => {
	it('reads the repository and its files', async () => {
		const updater = await refresh();
		for (const [name, content] of Object.entries(FILES)) expect(await download(updater, name)).toBe(content);
		expect(await download(updater, 'nothing.json')).toBeUndefined();
	});

	it('follows renewals for a month, and stops when there are none', async () => {
		for (let day = 0; day < 31; day++) {
			await refresh();
			await pass(1);
			await renewOnlineMetadata(repository.deps);
		}
		await refresh();
		expect([remembered('timestamp'), remembered('snapshot')]).toEqual([32, 3]);
		await pass(7);
		await expect(refresh()).rejects.toThrow(/expired/i);
		await renewOnlineMetadata(repository.deps);
		await refresh();
	});

	it('follows new targets', async () => {
		await refresh();
		await repository.publishTargets(2, { ...FILES, 'trusted_root.json': '{"a":2}' });
		expect(await download(await refresh(), 'trusted_root.json')).toBe('{"a":2}');
	});

	it('follows a root that replaces every key, this server’s as well', async () => {
		await refresh();
		const [root, targets] = [0, 1].map(() => [0, 1, 2].map(() => generateSigner('ed25519')));
		const [snapshotSigner, timestampSigner] = [generateSigner('ed25519'), generateSigner('ecdsa-sha2-256-nistp256')];
		await repository.app('public').close();
		await repository.restart({ snapshotSigner, timestampSigner });
		mirror = await repository.app('public').listen({ host: '127.0.0.1', port: 0 });
		const plan = {
			version: 2,
			root: root!,
			targets: targets!,
			snapshot: [snapshotSigner],
			timestamp: [timestampSigner],
		};
		const signers = [...repository.rootKeys.slice(0, 2), ...root!.slice(1)];
		expect((await repository.publishRoot({ ...plan, signers })).status).toBe(201);
		// Targets signed by removed keys are refused until they are signed again.
		await expect(refresh()).rejects.toThrow();
		const signed = await repository.makeTargets(2, FILES, { signers: targets! });
		expect((await repository.postTargets(signed, FILES)).status).toBe(201);
		expect(await download(await refresh(), 'trusted_root.json')).toBe('{"a":1}');
		expect(remembered('root')).toBe(2);
	});

	it('is not led back by an older timestamp', async () => {
		const older = (await repository.get('/timestamp.json')).bytes;
		await pass(1);
		await renewOnlineMetadata(repository.deps);
		await refresh();
		const server = createServer((request, response) => {
			if (request.url === '/timestamp.json') response.writeHead(200).end(older);
			else response.writeHead(404).end();
		});
		await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
		const { port } = server.address() as { port: number };
		await expect(refresh(`http://127.0.0.1:${port}`)).rejects.toThrow(/version/i);
		server.close();
		expect(remembered('timestamp')).toBe(2);
	});

	it('does not follow a repository with another root', async () => {
		const other = await repository.makeRoot({ root: [0, 1, 2].map(() => generateSigner('ed25519')), signers: [] });
		writeFileSync(join(folder, 'root.json'), JSON.stringify(other));
		await expect(refresh()).rejects.toThrow();
	});
});
