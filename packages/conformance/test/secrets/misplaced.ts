/** Secrets in the wrong places: every part of a request into which people, proxies and clients put them by mistake. */
import { connect } from 'node:net';
import type { Recorder } from './recorder.ts';

export interface Target {
	/** Name of the answers. */
	readonly name: string;
	readonly url: string;
	/** Paths that take a body. */
	readonly posts: readonly string[];
}

const JSON_TYPE = { 'content-type': 'application/json' };

/** Sends `secret` in every wrong place of requests to `target`. */
export async function misplace(recorder: Recorder, target: Target, secret: string): Promise<void> {
	const { name, url, posts } = target;
	const ask = (path: string, init: RequestInit = {}) =>
		recorder.ask(`of ${name} to a misplaced secret`, url + path, init);
	const paths = ['/', ...posts];

	await Promise.all([
		...['', '/api/v1', '/auth', '/admin/v1'].map((prefix) => ask(`${prefix}/${secret}`)),
		...paths.flatMap((path) =>
			['token', 'access_token', 'id_token', 'code', 'client_secret'].map((key) => ask(`${path}?${key}=${secret}`)),
		),
		...paths.flatMap((path) =>
			WRONG_HEADERS(secret).map(([header, value]) => ask(path, { headers: { [header]: value }, method: 'GET' })),
		),
		...['OPTIONS', 'PUT', 'DELETE', 'PATCH'].map((method) =>
			ask(`/${method}`, { method, headers: { authorization: `Bearer ${secret}` } }),
		),
		ask('/', { method: 'OPTIONS', headers: { origin: secret, 'access-control-request-method': 'POST' } }),
	]);
	for (const path of posts) {
		const post = (body: string, headers: Record<string, string> = {}) => ask(path, { method: 'POST', body, headers });
		await Promise.all([
			post(secret),
			post(secret, JSON_TYPE),
			post(JSON.stringify(secret), JSON_TYPE),
			post(JSON.stringify({ [secret]: secret }), JSON_TYPE),
			post(`{"token":"${secret}`, JSON_TYPE),
			post(`{"token":${secret}}`, JSON_TYPE),
			post(new URLSearchParams({ token: secret, client_secret: secret, [secret]: '' }).toString(), {
				'content-type': 'application/x-www-form-urlencoded',
			}),
			post('{}', { 'content-type': secret }),
			post('{}', { ...JSON_TYPE, 'content-encoding': secret }),
			post('{}', { ...JSON_TYPE, authorization: secret }),
			post('{}', { ...JSON_TYPE, authorization: `Basic ${Buffer.from(`me:${secret}`).toString('base64')}` }),
			...KNOWN_MEMBERS.map((member) => post(JSON.stringify(nested(member, secret)), JSON_TYPE)),
		]);
	}
	await malformed(recorder, target, secret);
}

const WRONG_HEADERS = (secret: string): [string, string][] => [
	['authorization', `Bearer ${secret}`],
	['authorization', secret],
	['cookie', `chancery_session=${secret}; chancery_interaction=${secret}; token=${secret}`],
	['referer', `https://example.com/?token=${secret}`],
	['user-agent', secret],
	['x-request-id', secret],
	['x-request-id', secret.slice(0, 64)],
	['x-forwarded-for', secret],
	['origin', `https://${secret}`],
	['accept', secret],
	['if-none-match', secret],
];

/** Members that our routes know: a secret in one of them reaches the parser of that member. */
const KNOWN_MEMBERS = [
	'credentials.oidcIdentityToken',
	'publicKeyRequest.publicKey.content',
	'publicKeyRequest.proofOfPossession',
	'certificateSigningRequest',
	'publicKey.content',
	'signedEmailAddress',
	'kind',
	'apiVersion',
	'spec.signature.publicKey.content',
	'hashedRekordRequestV002.digest',
	'hashedRekordRequestV002.signature.verifier.keyDetails',
	'email',
	'hash',
	'publicKey',
	'chain',
	'artifactHash',
	'hashAlgorithm',
	'payload',
];

function nested(path: string, value: unknown): unknown {
	const [first = '', ...rest] = path.split('.');
	return { [first]: rest.length === 0 ? value : nested(rest.join('.'), value) };
}

/** Bytes that are not HTTP, or not yet. */
async function malformed(recorder: Recorder, { name, url, posts }: Target, secret: string): Promise<void> {
	const { host, hostname, port } = new URL(url);
	const path = posts[0] ?? '/';
	const heads = [
		`GET /${secret} HTTP/9.9\r\nHost: ${host}\r\n\r\n`,
		`GET / HTTP/1.1\r\n${secret}\r\nHost: ${host}\r\n\r\n`,
		`GET / HTTP/1.1\r\nHost: ${secret}\r\nConnection: close\r\n\r\n`,
		`GET /%${secret} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`,
		`GET /?${secret}%00 HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`,
		`${secret} / HTTP/1.1\r\nHost: ${host}\r\n\r\n`,
		`TRACE /${secret} HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer ${secret}\r\nConnection: close\r\n\r\n`,
		`POST ${path} HTTP/1.1\r\nHost: ${host}\r\nContent-Length: ${secret}\r\n\r\n`,
		`POST ${path} HTTP/1.1\r\nHost: ${host}\r\nTransfer-Encoding: ${secret}\r\n\r\n`,
		`POST ${path} HTTP/1.1\r\nHost: ${host}\r\nTransfer-Encoding: chunked\r\n\r\n${secret}\r\n`,
		`GET / HTTP/1.1\r\nHost: ${host}\r\nX-Much: ${`${secret} `.repeat(20_000 / secret.length)}\r\n\r\n`,
		`${secret}\r\n\r\n`,
	];
	for (const head of heads) await recorder.askRaw(`of ${name} to a malformed request`, url, head);
	// A body that ends early, in the middle of the secret.
	const socket = connect(Number(port), hostname);
	await new Promise<void>((resolve) => {
		socket.on('error', () => undefined).on('close', () => resolve());
		socket.write(
			`POST ${path} HTTP/1.1\r\nHost: ${host}\r\nContent-Type: application/json\r\nContent-Length: 9000\r\n\r\n`,
		);
		socket.write(`{"credentials":{"oidcIdentityToken":"${secret}`, () => setTimeout(() => socket.destroy(), 50));
	});
}
