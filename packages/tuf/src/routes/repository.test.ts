import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestRepository, targetPath } from '../../test/repository.ts';

let repository: TestRepository;
beforeAll(async () => {
	repository = await TestRepository.open();
	await repository.publishRoot();
	await repository.publishTargets(1, { 'trusted_root.json': '{}' });
	await repository.publishTargets(2, { 'trusted_root.json': '{}', 'rekor.pub': 'key' });
});
afterAll(() => repository.close());

const IMMUTABLE = 'public, max-age=31536000, immutable';
const FILE = targetPath('trusted_root.json', '{}');

describe('a file', () => {
	it.each([
		['/timestamp.json', 'no-store'],
		['/root.json', 'no-store'],
		['/1.root.json', IMMUTABLE],
		['/1.snapshot.json', IMMUTABLE],
		['/2.snapshot.json', IMMUTABLE],
		['/1.targets.json', IMMUTABLE],
		['/2.targets.json', IMMUTABLE],
	])('%s is JSON, for caches: %s', async (path, caching) => {
		// As sigstore-java asks.
		const headers = { accept: 'application/json; api-version=2.0', 'content-type': 'application/json' };
		const answer = await repository.get(path, headers);
		expect([answer.status, answer.headers['content-type'], answer.headers['cache-control']]).toEqual([
			200,
			'application/json',
			caching,
		]);
		expect(answer.headers['content-length']).toBe(String(answer.bytes.length));
		expect(answer.headers['access-control-allow-origin']).toBe('*');
		const [, version, role] = /^\/(?:(\d+)\.)?(\w+)\.json$/.exec(path) ?? [];
		expect(answer.json.signed).toMatchObject({ _type: role, ...(version ? { version: Number(version) } : {}) });
	});

	it.each([FILE, `/${FILE}`])('%s is bytes, for ever', async (path) => {
		const answer = await repository.get(path);
		expect([answer.status, answer.headers['content-type'], answer.headers['cache-control']]).toEqual([
			200,
			'application/octet-stream',
			IMMUTABLE,
		]);
		expect(Buffer.from(answer.bytes).toString()).toBe('{}');
	});

	it.each([
		'/',
		'/2.root.json',
		'/0.root.json',
		'/01.root.json',
		'/-1.root.json',
		'/1.timestamp.json',
		'/3.targets.json',
		'/999999999.targets.json',
		'/9999999999.targets.json',
		'/99999999999999999999.root.json',
		'/1.mirrors.json',
		'/1.ROOT.json',
		'/snapshot.json',
		'/targets.json',
		'/metadata',
		'/timestamp.json.bak',
		'/timestamp.json%0a',
		'/..%2ftimestamp.json',
		'/%2e%2e',
		`/${'x'.repeat(65)}`,
		'/targets/',
		'/targets/trusted_root.json',
		`/targets/${'0'.repeat(64)}.trusted_root.json`,
		FILE.toUpperCase().replace('/TARGETS', '/targets'),
		`${FILE}/`,
		FILE.replace('.trusted', '.'),
		FILE.replace('.trusted', '..%2ftrusted'),
		FILE.slice(0, -'.trusted_root.json'.length),
		`/targets/${'é'.repeat(10)}`,
	])('%s does not exist, and no cache may remember that', async (path) => {
		const answer = await repository.get(path);
		expect([400, 404]).toContain(answer.status);
		if (/^\/\d+\.root\.json$/.test(path)) expect(answer.status).toBe(404);
		expect(answer.headers['cache-control']).toBe('no-store');
	});

	it('accepts no body and no other method', async () => {
		for (const method of ['POST', 'PUT', 'DELETE'] as const) {
			const reply = await repository.app('public').inject({ method, url: '/timestamp.json', payload: 'x' });
			expect(reply.statusCode).toBe(405);
		}
		const head = await repository.app('public').inject({ method: 'HEAD', url: '/timestamp.json' });
		expect([head.statusCode, head.payload]).toEqual([200, '']);
	});
});
