/** tuf-js tests a repository whose database was rolled back, and a publisher that ends between COMMIT and mark. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readFileMark } from '@chancery/postgres/mark/file-mark';
import { Updater } from 'tuf-js';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { TestRepository } from './repository.ts';

const FILES = { 'trusted_root.json': '{"a":1}' };

let repository: TestRepository;
let folder: string;
beforeAll(async () => {
	repository = await TestRepository.open();
});
afterAll(() => repository.close());
beforeEach(async () => {
	await repository.reset();
	await repository.publishRoot();
	folder = mkdtempSync(join(tmpdir(), 'chancery-tuf-back-'));
	mkdirSync(join(folder, 'targets'));
	writeFileSync(join(folder, 'root.json'), (await repository.get('/1.root.json')).bytes);
});
afterEach(async () => {
	vi.useRealTimers();
	await repository.app('public').close();
	rmSync(folder, { recursive: true });
});

const query = (sql: string) => repository.data.database.query(sql);

describe('a client that saw more than the database holds', () => {
	/** A client that remembers what it saw, like a new run of one. */
	async function refresh(): Promise<{ root: number; timestamp: number }> {
		const app = repository.app('public');
		const [address] = app.addresses();
		const url =
			typeof address === 'object'
				? `http://127.0.0.1:${address.port}`
				: await app.listen({ host: '127.0.0.1', port: 0 });
		const updater = new Updater({
			metadataDir: folder,
			metadataBaseUrl: url,
			targetDir: join(folder, 'targets'),
			targetBaseUrl: `${url}/targets`,
			config: { fetchRetry: 0 },
		});
		await updater.refresh();
		const version = (role: string) => JSON.parse(readFileSync(join(folder, `${role}.json`), 'utf8')).signed.version;
		return { root: version('root'), timestamp: version('timestamp') };
	}

	it('is given nothing that it must refuse, and goes on with what the operator decides', async () => {
		// tuf-js asks the system for the time.
		vi.useFakeTimers({ toFake: ['Date'] });
		vi.setSystemTime(repository.nowMs);
		await repository.publishTargets(1, FILES);
		await repository.publishRoot({ version: 2 });
		const [lost] = await repository.data.database.query<{ content: Uint8Array }>(
			`select content from tuf.metadata where role = 'root' and version = 2`,
		);
		expect(await refresh()).toEqual({ root: 2, timestamp: 2 });

		await query('alter table tuf.metadata disable trigger user');
		await query(`delete from tuf.metadata where role in ('root', 'timestamp') and version > 1`);
		await query('alter table tuf.metadata enable trigger user');
		// Another root 2 would have locked the client out forever.
		expect((await repository.publishRoot({ version: 2, expiresInDays: 100 })).status).toBe(503);
		await expect(refresh()).rejects.toThrow(/download/);

		// The newest database is lost; the client still has the lost root.
		expect((await repository.post('/admin/v1/adoptions', { timestamp: 1, reason: 'disk lost' })).status).toBe(201);
		const again = JSON.parse(Buffer.from(lost!.content).toString());
		expect((await repository.post('/admin/v1/roots', { root: again })).status).toBe(201);
		expect(await refresh()).toEqual({ root: 2, timestamp: 3 });
		await repository.publishRoot({ version: 3 });
		expect(await refresh()).toEqual({ root: 3, timestamp: 4 });
	});
});

describe('a publisher that is killed between COMMIT and mark', () => {
	it('leaves a root that nobody has seen, and the next start marks and serves it', async () => {
		const root = join(folder, 'next.json');
		writeFileSync(root, JSON.stringify(await repository.makeRoot({ version: 2 })));
		const publicKeys = [repository.snapshotKey, repository.timestampKey].map(({ publicKey }) => publicKey.toHex());
		// The file belongs to one process: this one releases it.
		await (await repository.takeMark()).close?.();
		const args = [repository.data.url, repository.markFile, root, ...publicKeys, String(repository.nowMs)];
		const child = spawn(process.execPath, [fileURLToPath(new URL('./dying-publisher.ts', import.meta.url)), ...args], {
			stdio: ['ignore', 'inherit', 'inherit'],
		});
		expect(await once(child, 'close')).toEqual([null, 'SIGKILL']);
		expect(await repository.versions()).toEqual({ root: 2 });
		expect((await readFileMark(repository.markFile))?.size).toBe(1);

		await repository.restart();
		expect((await repository.get('/2.root.json')).status).toBe(200);
		expect((await readFileMark(repository.markFile))?.size).toBe(2);
		expect((await repository.publishRoot({ version: 3 })).status).toBe(201);
	});
});
