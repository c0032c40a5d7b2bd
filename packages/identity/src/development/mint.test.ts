import { request } from 'node:http';
import { call } from '@chancery/net/call';
import {
	DEVELOPMENT_PRESETS,
	type DevelopmentPreset,
	getCiDiscovery,
	getCiKeys,
	mintDevelopmentToken,
	presetIssuer,
} from '@chancery/wire/identity';
import { createRemoteJWKSet, type JWTPayload, jwtVerify } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type IdentityServer, startIdentityServer, TEST_SECRET } from '../../test/identity-server.ts';
import { subjectOf } from '../domain/account.ts';

let server: IdentityServer;
let nowMs = Date.now();

beforeAll(async () => {
	server = await startIdentityServer({ clock: () => nowMs });
});

afterAll(async () => {
	await server.stop();
	await server.test.drop();
});

interface Answer {
	status: number;
	headers: Headers;
	body: { token?: string; detail?: string };
}

async function post(body: unknown, authorization: string | undefined = `Bearer ${TEST_SECRET}`): Promise<Answer> {
	const response = await fetch(`${server.publicUrl}/development/token`, {
		method: 'POST',
		body: typeof body === 'string' ? body : JSON.stringify(body),
		headers: { 'content-type': 'application/json', ...(authorization ? { authorization } : {}) },
	});
	return { status: response.status, headers: response.headers, body: (await response.json()) as Answer['body'] };
}

/** Verifies as a certificate authority does: discovery at the issuer, its keys, audience. */
async function verify(token: string | undefined, issuer: string, audience = 'sigstore'): Promise<JWTPayload> {
	const found = await fetch(`${issuer}/.well-known/openid-configuration`);
	const document = (await found.json()) as {
		issuer: string;
		jwks_uri: string;
		id_token_signing_alg_values_supported: string[];
	};
	expect(document.issuer).toBe(issuer);
	const { payload } = await jwtVerify(token ?? '', createRemoteJWKSet(new URL(document.jwks_uri)), {
		issuer,
		audience,
		algorithms: document.id_token_signing_alg_values_supported,
	});
	return payload;
}

const WORKFLOW = 'acme/widgets/.github/workflows/release.yml@refs/tags/v1.2.3';

describe('a development token', () => {
	it('names the person as the login page would, for ten minutes', async () => {
		const answer = await post({ email: 'alice@example.com' });
		expect(answer.status).toBe(200);
		expect(answer.headers.get('cache-control')).toBe('no-store');
		const payload = await verify(answer.body.token, server.issuer);
		expect(payload).toMatchObject({
			iss: server.issuer,
			sub: subjectOf('alice@example.com', server.issuer),
			aud: 'sigstore',
			email: 'alice@example.com',
			email_verified: true,
			federated_claims: { connector_id: server.issuer, user_id: 'alice@example.com' },
			iat: Math.floor(nowMs / 1000),
			exp: Math.floor(nowMs / 1000) + 600,
		});
	});

	it('can be for another audience and carry more claims, and take any but those the issuer decides', async () => {
		const claims = {
			iss: 'https://evil.example',
			aud: 'evil',
			exp: 1,
			iat: 1,
			nbf: 1e10,
			jti: 'x',
			federated_claims: { connector_id: 'https://accounts.google.com', user_id: '1' },
			groups: ['a'],
			email_verified: false,
		};
		const answer = await post({ email: 'bob@example.com', claims, audience: 'elsewhere' });
		const payload = await verify(answer.body.token, server.issuer, 'elsewhere');
		expect(payload).toMatchObject({ groups: ['a'], email_verified: false, iat: Math.floor(nowMs / 1000) });
		expect(payload).not.toHaveProperty('nbf');
		expect(payload.jti).not.toBe('x');
		expect(payload.federated_claims).toMatchObject({ connector_id: server.issuer });
	});

	it('is a different token each time', async () => {
		const tokens = await Promise.all([post({ email: 'a@b.c' }), post({ email: 'a@b.c' })]);
		expect(tokens[0]?.body.token).not.toBe(tokens[1]?.body.token);
	});

	it('has the claims of GitHub Actions and the other issuer when it names a workflow', async () => {
		const answer = await post({ email: 'alice@example.com', claims: { job_workflow_ref: WORKFLOW } });
		const issuer = `${server.publicUrl}/ci`;
		const payload = await verify(answer.body.token, issuer);
		expect(payload).toMatchObject({
			iss: issuer,
			aud: 'sigstore',
			sub: 'repo:acme/widgets:ref:refs/tags/v1.2.3',
			job_workflow_ref: WORKFLOW,
			workflow_ref: WORKFLOW,
			workflow: 'release.yml',
			repository: 'acme/widgets',
			repository_owner: 'acme',
			repository_visibility: 'public',
			ref: 'refs/tags/v1.2.3',
			ref_type: 'tag',
			event_name: 'push',
			runner_environment: 'github-hosted',
			run_id: '1',
			run_attempt: '1',
			repository_id: '1',
			repository_owner_id: '1',
			exp: Math.floor(nowMs / 1000) + 600,
		});
		expect(payload.sha).toMatch(/^[0-9a-f]{40}$/);
		expect(payload).toMatchObject({ workflow_sha: payload.sha, job_workflow_sha: payload.sha });
		expect(payload).not.toHaveProperty('email');
		await expect(verify(answer.body.token, server.issuer)).rejects.toThrow();
	});

	it('derives claims from those given, and gives way to all of them', async () => {
		const claims = {
			job_workflow_ref: WORKFLOW,
			repository: 'other/place',
			ref: 'refs/heads/main',
			sha: 'f'.repeat(40),
			run_id: '42',
			environment: 'prod',
			iss: 'https://token.actions.githubusercontent.com',
			exp: 1,
		};
		const payload = await verify((await post({ claims })).body.token, `${server.publicUrl}/ci`);
		expect(payload).toMatchObject({
			sub: 'repo:other/place:environment:prod',
			repository: 'other/place',
			repository_owner: 'other',
			ref_type: 'branch',
			sha: 'f'.repeat(40),
			workflow_sha: 'f'.repeat(40),
			run_id: '42',
			workflow_ref: 'other/place/.github/workflows/release.yml@refs/heads/main',
		});
	});

	it('is what the typed caller gets', async () => {
		const options = { fetch, headers: { authorization: `Bearer ${TEST_SECRET}` } };
		const { body } = await call(mintDevelopmentToken, server.publicUrl, { body: { email: 'a@b.c' } }, options);
		await verify(body.token, server.issuer);
		expect((await call(getCiDiscovery, server.publicUrl, {}, options)).body.issuer).toBe(`${server.publicUrl}/ci`);
		expect((await call(getCiKeys, server.publicUrl, {}, options)).body.keys).toHaveLength(1);
	});

	it.each([
		['no header', ''],
		['a wrong secret', 'Bearer wrong'],
		['a prefix of the secret', `Bearer ${TEST_SECRET.slice(0, -1)}`],
		['the secret and more', `Bearer ${TEST_SECRET}x`],
		['the secret in another scheme', `Basic ${TEST_SECRET}`],
		['an empty secret', 'Bearer '],
	])('is refused with %s', async (_what, authorization) => {
		const answer = await post({ email: 'alice@example.com' }, authorization);
		expect(answer.status).toBe(401);
		expect(answer.headers.get('www-authenticate')).toContain('Bearer');
		expect(JSON.stringify(answer.body)).not.toContain(TEST_SECRET);
	});

	const nested = (levels: number): unknown => (levels === 0 ? 1 : [nested(levels - 1)]);
	it.each([
		['neither person nor workflow', {}],
		['an address that is none', { email: 'alice' }],
		['an unknown member', { email: 'a@b.c', subject: 'x' }],
		['a workflow that is none', { claims: { job_workflow_ref: 'release.yml' } }],
		['a workflow that is no text', { claims: { job_workflow_ref: 7 } }],
		['claims that are no object', { email: 'a@b.c', claims: ['x'] }],
		[
			'too many claims',
			{ email: 'a@b.c', claims: Object.fromEntries(Array.from({ length: 65 }, (_, i) => [`c${i}`, i])) },
		],
		['too large claims', { email: 'a@b.c', claims: { text: 'x'.repeat(9000) } }],
		['too deep claims', { email: 'a@b.c', claims: { deep: nested(7) } }],
		['an empty audience', { email: 'a@b.c', audience: '' }],
		['bytes that are no JSON', '{"email":'],
		['depth that would exhaust the stack', `{"email":"a@b.c","claims":{"a":${'['.repeat(20000)}${']'.repeat(20000)}}}`],
	])('is refused for %s', async (_what, body) => {
		expect((await post(body)).status).toBe(400);
	});

	it('is refused for bodies that are too large or no JSON by name', async () => {
		expect((await post({ email: 'a@b.c', claims: { text: 'x'.repeat(70_000) } })).status).toBe(413);
		const response = await fetch(`${server.publicUrl}/development/token`, {
			method: 'POST',
			body: '{"email":"a@b.c"}',
			headers: { authorization: `Bearer ${TEST_SECRET}`, 'content-type': 'text/plain' },
		});
		expect(response.status).toBe(415);
	});

	it('is dated by the clock of the service', async () => {
		nowMs += 3_600_000;
		const token = (await post({ email: 'a@b.c' })).body.token ?? '';
		expect(JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()).iat).toBe(
			Math.floor(nowMs / 1000),
		);
		nowMs -= 3_600_000;
	});
});

describe('the token of a preset', () => {
	const OWN = 'oidc.circleci.com/';
	/** What certificates are made from, by the authority's templates for each system. */
	const CERTIFIED: Readonly<Record<DevelopmentPreset, readonly string[]>> = {
		github: [
			'job_workflow_ref',
			'sha',
			'ref',
			'repository',
			'repository_id',
			'workflow_ref',
			'run_attempt',
			'event_name',
		],
		gitlab: [
			'ci_config_ref_uri',
			'ci_config_sha',
			'runner_environment',
			'project_path',
			'sha',
			'ref',
			'ref_type',
		].concat(['project_id', 'namespace_path', 'namespace_id', 'pipeline_source', 'job_id', 'project_visibility']),
		buildkite: ['organization_slug', 'pipeline_slug', 'runner_environment', 'build_commit', 'build_source', 'job_id'],
		circleci: [
			'project-id',
			'pipeline-definition-id',
			'pipeline-id',
			'workflow-id',
			'job-id',
			'vcs-ref',
			'vcs-origin',
		].map((claim) => OWN + claim),
		codefresh: ['account_name', 'account_id', 'pipeline_name', 'pipeline_id', 'workflow_id', 'platform_url', 'scm_ref'],
		google: ['email'],
		kubernetes: [],
		spiffe: [],
	};
	/** The form of the subject in the documentation of each system. */
	const SUBJECTS: Readonly<Record<DevelopmentPreset, RegExp>> = {
		github: /^repo:[^:]+:ref:refs\/heads\/main$/,
		gitlab: /^project_path:[^:]+:ref_type:branch:ref:main$/,
		buildkite: /^organization:\w+:pipeline:\w+:ref:refs\/heads\/main:commit:[0-9a-f]{40}:step:\w+$/,
		circleci: /^org\/[0-9a-f-]{36}\/project\/[0-9a-f-]{36}\/user\/[0-9a-f-]{36}$/,
		codefresh: /^account:[0-9a-f]{24}:pipeline:[0-9a-f]{24}:scm_repo_url:https:.*:scm_ref:main$/,
		google: /^\d{21}$/,
		kubernetes: /^system:serviceaccount:default:builder$/,
		spiffe: /^spiffe:\/\/example\.org\//,
	};

	it.each(DEVELOPMENT_PRESETS)(
		'%s is of our own issuer, and has the claims that certificates are made from',
		async (preset) => {
			const { body } = await post({ preset });
			const issuer = presetIssuer(server.publicUrl, preset);
			const payload = await verify(body.token, issuer);
			expect(payload.iss).toBe(issuer);
			expect(payload.sub).toMatch(SUBJECTS[preset]);
			for (const claim of CERTIFIED[preset]) expect(payload[claim], claim).toMatch(/./);
			for (const other of DEVELOPMENT_PRESETS)
				if (other !== preset) await expect(verify(body.token, presetIssuer(server.publicUrl, other))).rejects.toThrow();
			await expect(verify(body.token, server.issuer)).rejects.toThrow();
		},
	);

	it.each(DEVELOPMENT_PRESETS)('%s keeps every given claim, and none that the issuer decides', async (preset) => {
		const claims = { sub: 'spiffe://else/where', more: ['x'], iss: 'https://accounts.google.com', aud: 'evil', exp: 1 };
		const payload = await verify((await post({ preset, claims })).body.token, presetIssuer(server.publicUrl, preset));
		expect(payload).toMatchObject({ sub: 'spiffe://else/where', more: ['x'], exp: Math.floor(nowMs / 1000) + 600 });
	});

	it.each<[DevelopmentPreset, Record<string, unknown>, Record<string, unknown>]>([
		[
			'gitlab',
			{ project_path: 'a/b/c', ref: 'v1', ref_type: 'tag' },
			{
				namespace_path: 'a/b',
				ref_path: 'refs/tags/v1',
				ci_config_ref_uri: 'gitlab.com/a/b/c//.gitlab-ci.yml@refs/tags/v1',
				sub: 'project_path:a/b/c:ref_type:tag:ref:v1',
			},
		],
		[
			'buildkite',
			{ organization_slug: 'acme', build_tag: 'v1' },
			{ sub: expect.stringContaining('acme:pipeline:project:ref:refs/tags/v1:') },
		],
		[
			'circleci',
			{ [`${OWN}org-id`]: 'o', [`${OWN}project-id`]: 'p' },
			{ sub: expect.stringMatching(/^org\/o\/project\/p\//) },
		],
		['codefresh', { account_id: 'a', pipeline_id: 'p' }, { sub: expect.stringMatching(/^account:a:pipeline:p:/) }],
		[
			'google',
			{ email: 'x@y.iam.gserviceaccount.com' },
			{ email_verified: true, email: 'x@y.iam.gserviceaccount.com' },
		],
		[
			'kubernetes',
			{ 'kubernetes.io': { namespace: 'n', serviceaccount: { name: 's' } } },
			{
				sub: 'system:serviceaccount:n:s',
				'kubernetes.io': expect.objectContaining({ namespace: 'n', pod: expect.anything() }),
			},
		],
		['kubernetes', { 'kubernetes.io': 7 }, { sub: 'system:serviceaccount:default:builder' }],
	])('%s derives what follows from a given claim', async (preset, claims, derived) => {
		const payload = await verify((await post({ preset, claims })).body.token, presetIssuer(server.publicUrl, preset));
		expect(payload).toMatchObject(derived);
	});

	it('has the audience in the form of its system', async () => {
		const audienceOf = async (preset: DevelopmentPreset) =>
			(await verify((await post({ preset })).body.token, presetIssuer(server.publicUrl, preset))).aud;
		expect(await audienceOf('kubernetes')).toEqual(['sigstore']);
		expect(await audienceOf('gitlab')).toBe('sigstore');
	});

	it('names the address that is asked for where such tokens have one', async () => {
		const email = 'release@project.iam.gserviceaccount.com';
		const { body } = await post({ preset: 'google', email });
		expect(await verify(body.token, presetIssuer(server.publicUrl, 'google'))).toMatchObject({ email });
		expect((await post({ preset: 'gitlab', email })).status).toBe(400);
		expect((await post({ preset: 'jenkins' })).status).toBe(400);
		expect((await fetch(`${server.publicUrl}/ci/jenkins/keys`)).status).toBe(404);
	});
});

describe('a page of another site', () => {
	const mint = (headers: Record<string, string>) =>
		new Promise<number>((resolve, reject) => {
			const outgoing = request(`${server.publicUrl}/development/token`, {
				method: 'POST',
				headers: { 'content-type': 'application/json', authorization: `Bearer ${TEST_SECRET}`, ...headers },
			});
			outgoing.on('response', (response) => resolve(response.resume().statusCode ?? 0)).on('error', reject);
			outgoing.end('{"email":"a@b.c"}');
		});

	it.each([
		['another origin', { origin: 'https://evil.example' }],
		['another port of this host', { origin: 'http://127.0.0.1:1' }],
		['a sandboxed frame', { origin: 'null' }],
		['a host that leads here', { host: 'evil.example' }],
		['our name with another port', { host: '127.0.0.1:1' }],
	])('gets no token from %s, also with the secret', async (_where, headers) => {
		expect(await mint(headers)).toBe(403);
	});

	it('is told from our own, and from a program', async () => {
		expect(await mint({ origin: server.publicUrl })).toBe(200);
		expect(await mint({})).toBe(200);
	});
});

describe('without a development secret', () => {
	it('there is neither endpoint nor second issuer', async () => {
		const plain = await startIdentityServer({ developmentSecret: null });
		try {
			const post = await fetch(`${plain.publicUrl}/development/token`, { method: 'POST' });
			expect(post.status).toBe(404);
			for (const preset of DEVELOPMENT_PRESETS)
				expect((await fetch(`${presetIssuer(plain.publicUrl, preset)}/.well-known/openid-configuration`)).status).toBe(
					404,
				);
		} finally {
			await plain.stop();
			await plain.test.drop();
		}
	});
});
