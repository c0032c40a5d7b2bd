/** The identity provider: development tokens, the issuer of workflow tokens, OpenID Connect, and the pages of a sign-in. */
import { identityStatus } from '@chancery/wire/status';
import { expect } from 'vitest';
import type { Example } from './cell.ts';
import type { Subject } from './subject.ts';
import { OAUTH, PAGE, PLAIN, PROBLEM, type Refusal } from './wires.ts';

const REFUSED: Refusal = { status: 400 };
const NO_ISSUER: Refusal = { status: 404 };
const NO_SECRET: Refusal = { status: 401 };
const JSON_TYPE = { 'content-type': 'application/json' };
const FORM_TYPE = { 'content-type': 'application/x-www-form-urlencoded' };

export function identityExamples(subject: Subject): Example[] {
	return [
		tokenExample(subject),
		...ciExamples(subject),
		...providerExamples(subject),
		...signInExamples(subject),
		...upstreamExamples(subject),
		assetExample(subject),
	];
}

function tokenExample(subject: Subject): Example {
	const send = (body: object, authorization?: string) => async () => ({
		method: 'POST',
		path: '/development/token',
		headers: { ...JSON_TYPE, ...(authorization === undefined ? {} : { authorization }) },
		body: JSON.stringify(body),
	});
	const bearer = `Bearer ${subject.secrets.developmentToken}`;
	const person = { email: 'matrix@example.com', claims: {}, audience: 'sigstore' };
	const cell = (name: string, change: object) => ({
		name,
		request: send({ ...person, ...change }, bearer),
		expected: REFUSED,
	});
	return {
		route: 'identity public POST /development/token',
		wire: PROBLEM,
		request: send(person, bearer),
		accepted: {
			status: 200,
			type: 'application/json',
			look: ({ body }) => expect(JSON.parse(String(body)).token).toMatch(/^ey[^.]+\.[^.]+\.[^.]+$/),
		},
		body: {
			kind: 'json',
			noBody: REFUSED,
			nullBody: REFUSED,
			unknown: REFUSED,
			otherType: { status: 415 },
			noType: { status: 415 },
			fields: [
				{ path: 'email', is: 'text', absent: REFUSED },
				{ path: 'claims', is: 'object', absent: 'accepted', isNull: REFUSED },
				{ path: 'audience', is: 'text', absent: 'accepted', isNull: REFUSED },
			],
		},
		own: [
			{ name: 'no secret', request: send(person), expected: NO_SECRET },
			{ name: 'a wrong secret', request: send(person, 'Bearer surprise'), expected: NO_SECRET },
			{
				name: 'the secret without its scheme',
				request: send(person, subject.secrets.developmentToken),
				expected: NO_SECRET,
			},
			{
				name: 'the secret as Basic',
				request: send(person, `Basic ${subject.secrets.developmentToken}`),
				expected: NO_SECRET,
			},
			{ name: 'the operator token', request: send(person, `Bearer ${subject.secrets.operator}`), expected: NO_SECRET },
			...['', 'surprise', 'a@b@example.com', 'a\0@example.com', 'é@example.com', `${'a'.repeat(400)}@example.com`].map(
				(email) => cell(`the address ${JSON.stringify(email.slice(0, 20))}`, { email }),
			),
			cell('claims 10 levels deep', { claims: { deep: [[[[[[[[[[]]]]]]]]]] } }),
			cell('100 claims', { claims: Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`claim${i}`, i])) }),
			cell('a claim of 20 KB', { claims: { long: 'a'.repeat(20_000) } }),
			cell('an empty audience', { audience: '' }),
			cell('a preset that is none', { preset: 'surprise' }),
			cell('a preset whose tokens name no address', { preset: 'gitlab' }),
			{
				name: 'a page of another site',
				request: async () => {
					const request = await send(person, bearer)();
					return { ...request, headers: { ...request.headers, origin: 'https://surprise.example' } };
				},
				expected: { status: 403 },
			},
		],
	};
}

function ciExamples(subject: Subject): Example[] {
	const get = (path: string, look: (json: Record<string, unknown>) => void): Example => ({
		route: `identity public GET ${path}`,
		wire: PROBLEM,
		request: async () => ({ method: 'GET', path }),
		accepted: { status: 200, type: 'application/json', look: ({ body }) => look(JSON.parse(String(body))) },
	});
	return [
		get('/ci/.well-known/openid-configuration', ({ issuer }) => expect(issuer).toBe(`${subject.urls.identity}/ci`)),
		{
			...get('/ci/kubernetes/.well-known/openid-configuration', ({ issuer }) =>
				expect(issuer).toBe(`${subject.urls.identity}/ci/kubernetes`),
			),
			...ofPreset('.well-known/openid-configuration'),
		},
		{
			...get('/ci/spiffe/keys', ({ keys }) => expect(keys).toHaveLength(1)),
			...ofPreset('keys'),
		},
		get('/status', (json) =>
			expect(identityStatus.parse(json)).toMatchObject({ ready: true, issuer: `${subject.urls.identity}/auth` }),
		),
		get('/ci/keys', ({ keys }) => {
			for (const key of keys as object[]) for (const secret of ['d', 'p', 'q']) expect(key).not.toHaveProperty(secret);
		}),
	];
}

/** The same place for all presets but the one that has a route of its own. */
function ofPreset(place: string): Pick<Example, 'route' | 'own'> {
	const at = (preset: string) => ({
		name: `the preset ${preset}`,
		request: async () => ({ method: 'GET', path: `/ci/${preset}/${place}` }),
		expected: NO_ISSUER,
	});
	return { route: `identity public GET /ci/:preset/${place}`, own: [at('github'), at('surprise'), at('-1')] };
}

const OAUTH_REFUSED: Refusal = { status: 400, wire: OAUTH };
const NO_SUCH_PLACE: Refusal = { status: 404, wire: PLAIN };
const SIGN_IN_REFUSED: Refusal = { status: 400, wire: PAGE };

/** Everything below `/auth` is the provider's: one place to read, one to post a form to. */
function providerExamples(subject: Subject): Example[] {
	const json = 'application/json; charset=utf-8';
	const device = 'client_id=sigstore&scope=openid%20email';
	const token = (form: string) => async () => ({ method: 'POST', path: '/auth/token', headers: FORM_TYPE, body: form });
	const bad = (name: string, form: string, status = 400) => ({
		name,
		request: token(form),
		expected: { status, wire: OAUTH },
	});
	return [
		{
			route: 'identity public GET /auth/*',
			wire: PROBLEM,
			request: async () => ({ method: 'GET', path: '/auth/.well-known/openid-configuration' }),
			accepted: {
				status: 200,
				type: json,
				look: ({ body }) => expect(JSON.parse(String(body)).issuer).toBe(subject.oidcIssuer),
			},
			longerPath: { below: NO_SUCH_PLACE, slash: NO_SUCH_PLACE, overlong: NO_SUCH_PLACE },
			parameter: {
				values: {
					'': NO_SUCH_PLACE,
					surprise: NO_SUCH_PLACE,
					'%2e%2e/development/token': NO_SUCH_PLACE,
					'-1': NO_SUCH_PLACE,
				},
			},
			own: [
				{
					name: 'the end of a device sign-in that never began',
					request: async () => ({ method: 'GET', path: '/auth/device/surprise' }),
					expected: SIGN_IN_REFUSED,
				},
			],
		},
		{
			route: 'identity public POST /auth/*',
			wire: PROBLEM,
			request: async () => ({ method: 'POST', path: '/auth/device/code', headers: FORM_TYPE, body: device }),
			accepted: {
				status: 200,
				type: json,
				look: ({ body }) => expect(JSON.parse(String(body)).device_code).toMatch(/./),
			},
			longerPath: { below: NO_SUCH_PLACE, slash: NO_SUCH_PLACE, overlong: NO_SUCH_PLACE },
			body: { kind: 'form', garbage: OAUTH_REFUSED, escapes: { status: 401, wire: OAUTH }, otherType: OAUTH_REFUSED },
			own: [
				bad('a grant that is none', 'grant_type=surprise&client_id=sigstore'),
				bad(
					'a code that is none',
					'grant_type=authorization_code&client_id=sigstore&code=surprise&redirect_uri=http%3A%2F%2Flocalhost%2Fauth%2Fcallback&code_verifier=x',
				),
				bad('a client that nobody knows', 'grant_type=authorization_code&client_id=surprise&code=x', 401),
				bad('two grants', 'grant_type=authorization_code&grant_type=refresh_token&client_id=sigstore'),
				bad(
					'a device code that is none',
					'grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code&client_id=sigstore&device_code=surprise',
				),
				bad('a NUL', 'grant_type=authorization_code%00&client_id=sigstore'),
				bad('no grant', 'client_id=sigstore'),
				{
					name: 'a form of the device page without its cookie',
					request: async () => ({
						method: 'POST',
						path: '/auth/device',
						headers: FORM_TYPE,
						body: 'user_code=ABCD-EFGH',
					}),
					expected: SIGN_IN_REFUSED,
				},
			],
		},
	];
}

const WRONG_SITE: Refusal = { status: 403 };

/**
 * A sign-in under way for each cell: what a browser has after it was sent to the provider. Who does not ask for HTML gets
 * refusals as programs get them.
 */
function signInExamples(subject: Subject): Example[] {
	const origin = subject.urls.identity;
	const form = 'email=matrix%40example.com';
	const begin = async (suffix: string, changed: Record<string, string> = {}, text = form) => {
		const { uid, cookie } = await beginSignIn(origin);
		const headers = { ...FORM_TYPE, cookie, origin, ...changed };
		return { method: 'POST', path: `/auth/interaction/${uid}/${suffix}`, headers, body: text };
	};
	const redirect = {
		status: 303,
		look: ({ headers }: { headers: Readonly<Record<string, string>> }) => expect(headers.location).toMatch(/^http/),
	};
	const common = { wire: PROBLEM, accepted: redirect };
	const post = (
		name: string,
		suffix: string,
		expected: Refusal,
		changed: Record<string, string> = {},
		text = form,
	) => ({
		name,
		request: () => begin(suffix, changed, text),
		expected,
	});
	const sites = (suffix: string) => [
		post('a form of another site', suffix, WRONG_SITE, { origin: 'https://surprise.example' }),
		post('a form of no site', suffix, WRONG_SITE, { origin: 'null' }),
		post('another browser', suffix, REFUSED, { cookie: '' }),
	];
	return [
		{
			route: 'identity public GET /auth/interaction/:uid',
			wire: PROBLEM,
			request: async () => {
				const { uid, cookie } = await beginSignIn(origin);
				return { method: 'GET', path: `/auth/interaction/${uid}`, headers: { cookie } };
			},
			accepted: {
				status: 200,
				type: 'text/html; charset=utf-8',
				look: ({ body }) => expect(String(body)).toMatch(/<form/),
			},
			parameter: {
				values: {
					surprise: REFUSED,
					'-1': REFUSED,
					'%2e%2e': REFUSED,
					'%3Cscript%3E': REFUSED,
				},
			},
			longerPath: { below: NO_SUCH_PLACE, slash: REFUSED, overlong: NO_SUCH_PLACE },
		},
		{
			...common,
			route: 'identity public POST /auth/interaction/:uid/development',
			request: () => begin('development'),
			body: {
				kind: 'form',
				// The form again, with what was wrong.
				garbage: SIGN_IN_REFUSED,
				escapes: SIGN_IN_REFUSED,
				otherType: { status: 415 },
			},
			own: sites('development'),
			longerPath: { below: NO_SUCH_PLACE, slash: NO_SUCH_PLACE, overlong: NO_SUCH_PLACE },
		},
		{
			...common,
			route: 'identity public POST /auth/interaction/:uid/cancel',
			request: () => begin('cancel'),
			own: sites('cancel'),
			longerPath: { below: NO_SUCH_PLACE, slash: NO_SUCH_PLACE, overlong: NO_SUCH_PLACE },
		},
	];
}

/**
 * The steps of a sign-in at another provider. This instance has none, so that each ends here: what they do with one is tried
 * in the package.
 */
function upstreamExamples(subject: Subject): Example[] {
	const origin = subject.urls.identity;
	const refused = (status: number, code: string) => ({
		status,
		type: 'application/problem+json',
		look: ({ body }: { body: Buffer }) => expect(JSON.parse(String(body)).reason).toBe(code),
	});
	const step = async (suffix: string) => {
		const { uid, cookie } = await beginSignIn(origin);
		return { method: 'GET', path: `/auth/interaction/${uid}/${suffix}`, headers: { cookie } };
	};
	const longerPath = { below: NO_SUCH_PLACE, slash: NO_SUCH_PLACE, overlong: NO_SUCH_PLACE };
	return [
		{
			route: 'identity public GET /auth/interaction/:uid/upstream',
			wire: PROBLEM,
			request: () => step('upstream?connector_id=https%3A%2F%2Fpeople.example'),
			accepted: refused(404, 'no-login-method'),
			longerPath,
		},
		{
			route: 'identity public GET /auth/interaction/:uid/finish',
			wire: PROBLEM,
			request: () => step('finish?login=surprise'),
			accepted: refused(400, 'login-expired'),
			longerPath,
		},
		{
			route: 'identity public GET /auth/callback',
			wire: PROBLEM,
			request: async () => ({ method: 'GET', path: '/auth/callback?code=surprise&state=surprise' }),
			accepted: refused(400, 'login-expired'),
			longerPath,
		},
		{
			route: 'identity public GET /machines/:name/.well-known/openid-configuration',
			wire: PROBLEM,
			request: async () => ({ method: 'GET', path: '/machines/nobody/.well-known/openid-configuration' }),
			accepted: refused(404, 'not-found'),
		},
	];
}

/** What pages load: the icon that one of them names. */
function assetExample(subject: Subject): Example {
	const nothing: Refusal = { status: 404 };
	return {
		route: 'identity public GET /auth/assets/:name',
		wire: PROBLEM,
		request: async () => {
			const page = await fetch(`${subject.urls.identity}/nothing`, { headers: { accept: 'text/html' } });
			const path = /<link rel="icon" href="([^"]+)"/.exec(await page.text())?.[1] ?? '';
			return { method: 'GET', path };
		},
		accepted: { status: 200, type: 'image/svg+xml', look: ({ body }) => expect(String(body)).toMatch(/^<svg /) },
		parameter: { values: { surprise: nothing, '%2e%2e': nothing, constructor: nothing } },
		longerPath: { below: NO_SUCH_PLACE, slash: nothing, overlong: NO_SUCH_PLACE },
	};
}

async function beginSignIn(origin: string): Promise<{ uid: string; cookie: string }> {
	const query = new URLSearchParams({
		client_id: 'sigstore',
		response_type: 'code',
		redirect_uri: 'http://localhost:9/auth/callback',
		scope: 'openid email',
		state: 'state',
		nonce: 'nonce',
		code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
		code_challenge_method: 'S256',
	});
	const reply = await fetch(`${origin}/auth/auth?${query}`, { redirect: 'manual' });
	const uid = /\/interaction\/([^/]+)$/.exec(reply.headers.get('location') ?? '')?.[1];
	if (uid === undefined) throw new Error(`no sign-in begins: ${reply.status} ${await reply.text()}`);
	const cookie = reply.headers.getSetCookie().map((line) => line.split(';')[0]);
	return { uid, cookie: cookie.join('; ') };
}
