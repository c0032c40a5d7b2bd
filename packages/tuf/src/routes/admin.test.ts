import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SERVICE, TestRepository } from '../../test/repository.ts';
import { ERRORS } from '../errors.ts';

let repository: TestRepository;
beforeAll(async () => {
	repository = await TestRepository.open();
});
afterAll(() => repository.close());

const ROUTES: readonly (readonly [path: string, body: object])[] = [
	['/admin/v1/roots', { root: { signatures: [], signed: {} } }],
	['/admin/v1/proposals', {}],
	['/admin/v1/adoptions', { timestamp: 1, reason: 'x' }],
	['/admin/v1/targets', { targets: { signatures: [], signed: {} }, files: [] }],
];

describe.each(ROUTES)('POST %s', (path, body) => {
	it.each([
		['without a token', ''],
		['with an unknown token', 'an-operator-token-of-others'],
		['with a token that is nearly known', 'an-operator-token-of-the-test'],
	])('%s is answered 401', async (_what, token) => {
		const answer = await repository.post(path, body, token === '' ? null : token);
		expect([answer.status, answer.headers['content-type']]).toEqual([401, 'application/problem+json']);
		expect(answer.headers['www-authenticate']).toContain('Bearer');
	});

	it('with the token of a service is answered 403: only operators publish', async () => {
		const answer = await repository.post(path, body, SERVICE);
		expect(answer.status).toBe(403);
		expect(answer.json.detail).toContain("'ca' is service");
	});

	it('with another method or on the public listener is not there', async () => {
		const reply = await repository.app('public').inject({ method: 'POST', url: path, payload: JSON.stringify(body) });
		expect(reply.statusCode).toBeGreaterThanOrEqual(404);
		expect((await repository.get(path)).status).toBe(404);
	});

	it.each([
		['no JSON', '{'],
		['another shape', '{"extra":1}'],
		['a list', '[]'],
		['nothing', ''],
		['a prototype', '{"__proto__":{"root":1}}'],
	])('with %s as its body is answered 400', async (_what, payload) => {
		const headers = { authorization: 'Bearer an-operator-token-of-the-tests' };
		const reply = await repository.app('admin').inject({ method: 'POST', url: path, headers, payload });
		expect(reply.statusCode).toBe(400);
	});
});

describe('the table of refusals', () => {
	it('has no code that the sources never raise, and no test', () => {
		const sources = [
			'domain/publish',
			'domain/propose-targets',
			'domain/reported-material',
			'domain/root-rules',
			'domain/report-rules',
			'metadata/signed-metadata',
			'metadata/tuf-keys',
			'domain/repository-mark',
			'domain/adopt-repository',
			'domain/seen-roots',
		];
		const source = sources.map((name) => readFileSync(new URL(`../${name}.ts`, import.meta.url), 'utf8')).join('');
		const tests = ['publish-root', 'publish-targets', 'propose-targets', 'repository-mark', 'adopt-repository'];
		const tested = tests
			.map((name) => readFileSync(new URL(`../domain/${name}.test.ts`, import.meta.url), 'utf8'))
			.join('');
		for (const code of Object.keys(ERRORS)) {
			expect(source, code).toContain(`'${code}'`);
			expect(tested, code).toContain(`'${code}'`);
		}
	});
});
