import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { requestAmbientToken } from './ambient-token.ts';

/** What the platform got, and what it answers. */
let asked: { method?: string; url?: string; authorization?: string; body: string } | undefined;
let answer: { status: number; body: string } = { status: 200, body: '{}' };

const server = createServer(async (request, response) => {
	const { method, url, headers } = request;
	asked = {
		...(method ? { method } : {}),
		...(url ? { url } : {}),
		...(headers.authorization ? { authorization: headers.authorization } : {}),
		body: await text(request),
	};
	response.writeHead(answer.status).end(answer.body);
});
let origin: string;
beforeAll(async () => {
	await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
	origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => void server.close());

const SECRET = 'the-secret-of-the-job';
const request = (env: Record<string, string>) => requestAmbientToken('sigstore', { env, fetch, clock: Date.now });
const github = () => ({
	GITHUB_ACTIONS: 'true',
	ACTIONS_ID_TOKEN_REQUEST_URL: `${origin}/token?api-version=2.0`,
	ACTIONS_ID_TOKEN_REQUEST_TOKEN: SECRET,
});
const buildkite = () => ({
	BUILDKITE: 'true',
	BUILDKITE_AGENT_ENDPOINT: `${origin}/v3/`,
	BUILDKITE_AGENT_ACCESS_TOKEN: SECRET,
	BUILDKITE_JOB_ID: 'the/job',
});

describe('the token of a platform', () => {
	it('comes from the runner of GitHub Actions', async () => {
		answer = { status: 200, body: '{"count":1,"value":"a.b.c"}' };
		expect(await request(github())).toBe('a.b.c');
		expect(asked).toEqual({
			method: 'GET',
			url: '/token?api-version=2.0&audience=sigstore',
			authorization: `Bearer ${SECRET}`,
			body: '',
		});
	});

	it('comes from the agent of Buildkite', async () => {
		answer = { status: 200, body: '{"token":"a.b.c"}' };
		expect(await request(buildkite())).toBe('a.b.c');
		expect(asked).toEqual({
			method: 'POST',
			url: '/v3/jobs/the%2Fjob/oidc/tokens',
			authorization: `Token ${SECRET}`,
			body: '{"audience":"sigstore"}',
		});
	});

	it('is in the environment of a job of GitLab', async () => {
		expect(await request({ GITLAB_CI: 'true', SIGSTORE_ID_TOKEN: 'a.b.c' })).toBe('a.b.c');
	});

	it.each<[string, () => Record<string, string>, { status: number; body: string }, RegExp]>([
		[
			'a workflow without the permission',
			() => ({ GITHUB_ACTIONS: 'true' }),
			answer,
			/github gave no token: .*id-token: write/,
		],
		['a job without `id_tokens`', () => ({ GITLAB_CI: 'true' }), answer, /gitlab gave no token: .*SIGSTORE_ID_TOKEN/],
		['a job without its agent', () => ({ BUILDKITE: 'true' }), answer, /buildkite gave no token/],
		['a job without the program', () => ({ CIRCLECI: 'true', PATH: '/none' }), answer, /circleci gave no token/],
		['a refusal', github, { status: 403, body: SECRET }, /answered 403/],
		['no JSON', github, { status: 200, body: SECRET }, /not JSON/],
		['no token', github, { status: 200, body: '{}' }, /has no token/],
		['a token that is none', buildkite, { status: 200, body: '{"token":7}' }, /has no token/],
	])('is missing for %s, and the message has no secret', async (_what, env, answers, words) => {
		answer = answers;
		const error = await request(env()).catch((caught: Error) => caught);
		expect(error).toMatchObject({ code: 'no-ambient-token', message: expect.stringMatching(words) });
		expect(String(error)).not.toContain(SECRET);
	});

	it('is nowhere else', async () => {
		await expect(request({})).rejects.toThrow(/no platform that gives tokens.*github, gitlab, buildkite, circleci/);
	});
});
