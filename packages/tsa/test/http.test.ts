/** The authority over HTTP, as clients use it. */

import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CHASSIS_ERRORS } from '@chancery/chassis/http/error-rendering';
import { createLogger } from '@chancery/chassis/logger';
import type { Service } from '@chancery/chassis/service';
import { openTrustReport } from '@chancery/chassis/trust-report';
import { fromBase64 } from '@chancery/core/bytes';
import type { Signer } from '@chancery/keys/signer';
import { call } from '@chancery/net/call';
import { openFileMark } from '@chancery/postgres/mark/file-mark';
import { MarkError, type MarkStore } from '@chancery/postgres/mark/mark';
import { timestamp, timestampJson } from '@chancery/wire/tsa';
import type { FastifyInstance } from 'fastify';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { configSchema } from '../src/config.ts';
import { tsa } from '../src/definition.ts';
import { TSA_ERRORS } from '../src/errors.ts';
import { makeAuthority, openssl, opensslOutput, random, type TestAuthority, trustFiles } from './authority-fixture.ts';

const QUERY_TYPE = 'application/timestamp-query';
const REPLY_TYPE = 'application/timestamp-reply';
const ADMIN_TOKEN = 'token-of-a-test';
const DATA = 'some signature';
const DIGEST = createHash('sha256').update(DATA).digest();

let service: Service | undefined;
let folder: string;
beforeEach(() => {
	folder = mkdtempSync(join(tmpdir(), 'chancery-tsa-time-'));
});
afterEach(async () => {
	for (const { app } of service?.listeners ?? []) await app.close();
	await service?.close();
	service = undefined;
	rmSync(folder, { recursive: true });
});

async function start(
	options: {
		authority?: TestAuthority;
		signer?: Signer;
		config?: Record<string, unknown>;
		clock?: () => number;
		mark?: MarkStore;
	} = {},
) {
	const authority = options.authority ?? (await makeAuthority());
	service = await tsa.open({
		config: configSchema().parse({
			publicUrl: 'https://tsa.example.com/',
			chainPem: authority.chain.chainPem,
			admin: {
				tokens: [
					{ name: 'root of trust', role: 'service', sha256: createHash('sha256').update(ADMIN_TOKEN).digest('hex') },
				],
			},
			...options.config,
		}),
		clock: options.clock ?? Date.now,
		random,
		fetch,
		logger: createLogger({ level: 'silent', json: true, name: 'tsa' }),
		profile: 'development',
		signers: { signer: options.signer ?? authority.signer },
		marks: { mark: options.mark ?? openFileMark(join(folder, 'tsa.mark')) },
	});
	const named = (name: string) => service!.listeners.find((listener) => listener.name === name)!.app;
	return { authority, app: named('public'), admin: named('admin') };
}

const query = (...flags: string[]) => opensslOutput(['ts', '-query', '-data', 'd', ...flags], { d: DATA });
const post = (
	app: FastifyInstance,
	body: Uint8Array | string,
	headers: Record<string, string> = {},
	url = '/api/v1/timestamp',
) =>
	app.inject({ method: 'POST', url, headers: { 'content-type': QUERY_TYPE, ...headers }, payload: Buffer.from(body) });
const jsonBody = (more: object = {}) =>
	JSON.stringify({ artifactHash: DIGEST.toString('base64'), hashAlgorithm: 'sha256', ...more });
const replyText = (der: Buffer) => openssl(['ts', '-reply', '-in', 'r', '-text'], { r: new Uint8Array(der) });

describe('POST /api/v1/timestamp', () => {
	it.each(['/api/v1/timestamp', '/tsr', '/'])(
		'answers a DER query at %s with a reply that openssl verifies',
		async (url) => {
			const { app, authority } = await start();
			const body = query('-sha256', '-cert');
			const response = await post(app, body, {}, url);
			expect(response.statusCode).toBe(200);
			expect(response.headers['content-type']).toBe(REPLY_TYPE);
			const files = { ...trustFiles(authority.chain), q: body, r: new Uint8Array(response.rawPayload) };
			const args = [
				'ts',
				'-verify',
				'-in',
				'r',
				'-queryfile',
				'q',
				'-CAfile',
				'root.pem',
				'-untrusted',
				'untrusted.pem',
			];
			expect(openssl(args, files)).toContain('Verification: OK');
		},
	);

	it('answers the JSON of the JavaScript client, media type parameters allowed', async () => {
		const { app, authority } = await start();
		const response = await post(app, jsonBody({ nonce: 42, certificates: true }), {
			'content-type': 'application/json; charset=utf-8',
		});
		expect(response.statusCode).toBe(200);
		expect(response.headers['content-type']).toBe(REPLY_TYPE);
		expect(replyText(response.rawPayload)).toContain('Nonce: 0x2A');
		const files = { ...trustFiles(authority.chain), d: DATA, r: new Uint8Array(response.rawPayload) };
		const args = ['ts', '-verify', '-in', 'r', '-data', 'd', '-CAfile', 'root.pem', '-untrusted', 'untrusted.pem'];
		expect(openssl(args, files)).toContain('Verification: OK');
	});

	it('forbids every cache to keep the reply', async () => {
		const { headers } = await post((await start()).app, query('-sha256'));
		expect(headers['cache-control']).toBe('no-cache, no-store, no-transform, must-revalidate, private, max-age=0');
		expect(headers).toMatchObject({
			pragma: 'no-cache',
			expires: 'Thu, 01 Jan 1970 00:00:00 GMT',
			'x-accel-expires': '0',
		});
	});

	it('answers 201 where the operator says so', async () => {
		const { app } = await start({ config: { createdStatus: 201 } });
		expect((await post(app, query('-sha256'))).statusCode).toBe(201);
	});

	it('offers the further policies of the configuration', async () => {
		const { app } = await start({ config: { acceptedPolicyOids: ['1.2.3.4'] } });
		expect(replyText((await post(app, query('-sha256', '-tspolicy', '1.2.3.4'))).rawPayload)).toContain(
			'Policy OID: 1.2.3.4',
		);
	});
});

describe('the typed caller', () => {
	it('sends both forms of a query', async () => {
		const { app } = await start();
		const url = await app.listen({ host: '127.0.0.1', port: 0 });
		const der = await call(timestamp, url, { body: query('-sha256') }, { fetch });
		expect(replyText(Buffer.from(der.body))).toContain('Status: Granted');
		const body = { artifactHash: DIGEST.toString('base64'), hashAlgorithm: 'sha256', nonce: 7 };
		const json = await call(timestampJson, url, { body }, { fetch });
		expect(replyText(Buffer.from(json.body))).toContain('Nonce: 0x07');
		const refusal = call(timestamp, url, { body: query('-sha1') }, { fetch });
		await expect(refusal).rejects.toMatchObject({ status: 400, serverMessage: expect.stringContaining('Weak hash') });
	});
});

describe('refusals', () => {
	const sha1 = query('-sha1');
	const policy = query('-sha256', '-tspolicy', '1.2.3');
	const trailing = Uint8Array.of(...query('-sha256'), 0);
	const rows = [
		{ code: 'malformed-query', body: trailing, says: /^Error generating timestamp response/ },
		{ code: 'malformed-query', body: new Uint8Array(0), says: /^Error generating timestamp response/ },
		{ code: 'unaccepted-hash', body: sha1, says: /^Weak hash algorithm in timestamp request/ },
		{ code: 'unaccepted-policy', body: policy, says: /^unaccepted policy: 1\.2\.3/ },
		{
			code: 'wrong-digest-length',
			body: jsonBody({ hashAlgorithm: 'sha512' }),
			type: 'application/json',
			says: /^Message digest has incorrect length for specified algorithm/,
		},
		{
			code: 'query-too-large',
			body: `${jsonBody()}${' '.repeat(1024)}`,
			type: 'application/json',
			says: /^timestamp request is too large/,
		},
		{
			code: 'unaccepted-extension',
			body: withExtension(query('-sha256', '-no_nonce')),
			says: /^unaccepted extension: 1\.2\.3/,
		},
		{ code: 'malformed-query', body: '{', type: 'application/json', says: /not JSON/ },
		{ code: 'unknown-query-type', body: query('-sha256'), type: 'application/octet-stream', says: /content type/ },
		{ code: 'unsupported-media-type', body: query('-sha256'), type: 'text/plain', says: /content type/, status: 415 },
		{ code: 'unsupported-media-type', body: query('-sha256'), type: 'nonsense', says: /content type/, status: 415 },
		{ code: 'body-too-large', body: new Uint8Array(16 * 1024 + 1), says: /longer than 16384 bytes/, status: 413 },
	];
	it.each(rows)('answers $code in the JSON that clients read', async ({ code, body, type, says, status }) => {
		const { app } = await start();
		const response = await post(app, body, { 'content-type': type ?? QUERY_TYPE });
		expect(response.statusCode).toBe(status ?? 400);
		expect(response.headers['content-type']).toBe('application/json');
		expect(response.json()).toMatchObject({ code: status ?? 400, reason: code, message: expect.stringMatching(says) });
	});

	const rejections = [
		{ body: trailing, failure: 'the data submitted has the wrong format' },
		{ body: sha1, failure: 'unrecognized or unsupported algorithm identifier' },
		{ body: policy, failure: 'the requested TSA policy is not supported by the TSA' },
		{
			body: withExtension(query('-sha256', '-no_nonce')),
			failure: 'the requested extension is not supported by the TSA',
		},
	];
	it.each(rejections)('answers a rejection to whoever accepts one: $failure', async ({ body, failure }) => {
		const { app } = await start();
		const response = await post(app, body, { accept: `${REPLY_TYPE}, */*;q=0.1` });
		expect(response.statusCode).toBe(400);
		expect(response.headers['content-type']).toBe(REPLY_TYPE);
		const text = replyText(response.rawPayload);
		expect(text).toContain('Status: Rejected');
		expect(text).toContain(failure);
	});

	it('answers rejections with status 200 to everyone where the operator wants RFC 3161 to the letter', async () => {
		const { app } = await start({ config: { refusals: 'rfc3161' } });
		const response = await post(app, sha1);
		expect(response.statusCode).toBe(200);
		expect(replyText(response.rawPayload)).toContain('Status: Rejected');
	});

	it('answers 503 with Retry-After while the clock is behind, and recovers', async () => {
		let now = Date.now();
		const { app, admin } = await start({ clock: () => now });
		expect((await post(app, query('-sha256'))).statusCode).toBe(200);
		now -= 30_000;
		const response = await post(app, query('-sha256'));
		expect(response.statusCode).toBe(503);
		expect(response.headers['retry-after']).toBe('30');
		expect(response.json()).toMatchObject({ reason: 'clock-behind' });
		expect(replyText((await post(app, query('-sha256'), { accept: REPLY_TYPE })).rawPayload)).toContain(
			"the TSA's time source is not available",
		);
		const ready = await admin.inject({ url: '/readyz', headers: { authorization: `Bearer ${ADMIN_TOKEN}` } });
		expect(ready.statusCode).toBe(503);
		now += 31_000;
		expect((await post(app, query('-sha256'))).statusCode).toBe(200);
	});

	it('answers 503 while the time cannot be written down, and recovers', async () => {
		const place = openFileMark(join(folder, 'other.mark'));
		let isFull = true;
		const advance = async (mark: Parameters<MarkStore['advance']>[0]) => {
			if (isFull) throw new MarkError('the mark cannot be written: no space left on the device');
			await place.advance(mark);
		};
		const { app, admin } = await start({ mark: { ...place, advance } });
		const response = await post(app, query('-sha256'));
		expect([response.statusCode, response.headers['retry-after']]).toEqual([503, '5']);
		expect(response.json()).toMatchObject({ reason: 'time-not-kept' });
		expect(replyText((await post(app, query('-sha256'), { accept: REPLY_TYPE })).rawPayload)).toContain(
			"the TSA's time source is not available",
		);
		const ready = await admin.inject({ url: '/readyz', headers: { authorization: `Bearer ${ADMIN_TOKEN}` } });
		expect(ready.statusCode).toBe(503);
		isFull = false;
		expect((await post(app, query('-sha256'))).statusCode).toBe(200);
	});

	it('answers 503 while its clock is away from that which its replicas share', async () => {
		const place = openFileMark(join(folder, 'other.mark'));
		let apartMs = 1_500;
		const { app } = await start({ mark: { ...place, clockMs: async () => Date.now() + apartMs } });
		const response = await post(app, query('-sha256'));
		expect(response.statusCode).toBe(503);
		expect(response.json()).toMatchObject({
			reason: 'clock-apart',
			message: expect.stringMatching(/1\.[45] s away from that of the database/),
		});
		apartMs = -900;
		expect((await post(app, query('-sha256'))).statusCode).toBe(200);
	});

	it('does not use up years when its clock runs ahead of its certificate', async () => {
		let isAhead = true;
		const { app } = await start({ clock: () => (isAhead ? Date.UTC(2050, 5, 1) : Date.now()) });
		expect((await post(app, query('-sha256'))).json()).toMatchObject({ reason: 'certificate-not-valid' });
		isAhead = false;
		expect((await post(app, query('-sha256'))).statusCode).toBe(200);
	});

	it('answers 503 when its certificate has ended, and is not ready', async () => {
		const { app, admin } = await start({ clock: () => Date.parse('2050-06-01T00:00:00Z') });
		const response = await post(app, query('-sha256'));
		expect(response.statusCode).toBe(503);
		expect(response.json()).toMatchObject({ reason: 'certificate-not-valid' });
		const ready = await admin.inject({ url: '/readyz', headers: { authorization: `Bearer ${ADMIN_TOKEN}` } });
		expect(ready.json()).toMatchObject({ ready: false, checks: { certificate: { ok: false } } });
	});

	it('answers 500 without the reason when the key does not sign', async () => {
		const authority = await makeAuthority();
		const signer = { ...authority.signer, sign: () => Promise.reject(new Error('PIN 1234 is wrong')) };
		const { app } = await start({ authority, signer });
		const response = await post(app, query('-sha256'));
		expect(response.statusCode).toBe(500);
		expect(response.json()).toMatchObject({ reason: 'signing-failed' });
		expect(response.body).not.toContain('1234');
		const rejection = await post(app, query('-sha256'), { accept: REPLY_TYPE });
		expect(replyText(rejection.rawPayload)).toContain('system failure');
	});

	it('has produced every code of its own table in this file', () => {
		const produced = new Set([
			...rows.map((row) => row.code),
			'clock-behind',
			'clock-apart',
			'time-not-kept',
			'certificate-not-valid',
			'signing-failed',
		]);
		const own = Object.keys(TSA_ERRORS).filter((code) => !Object.hasOwn(CHASSIS_ERRORS, code));
		expect(own.filter((code) => !produced.has(code))).toEqual([]);
	});

	it('answers 405 and 404 for wrong methods and paths', async () => {
		const { app } = await start();
		expect((await app.inject({ url: '/api/v1/timestamp' })).statusCode).toBe(405);
		expect((await app.inject({ url: '/api/v2/timestamp' })).statusCode).toBe(404);
	});
});

describe('the other routes', () => {
	it('serves the chain leaf first, for a day', async () => {
		const { app, authority } = await start();
		const response = await app.inject({ url: '/api/v1/timestamp/certchain' });
		expect(response.headers['content-type']).toBe('application/pem-certificate-chain');
		expect(response.headers['cache-control']).toBe('max-age=86400, immutable');
		expect(response.body).toBe(authority.chain.chainPem);
	});

	it('answers a ping with a dot', async () => {
		const response = await (await start()).app.inject({ url: '/ping' });
		expect([response.statusCode, response.body]).toEqual([200, '.']);
	});

	it('reports its chain and endpoint, signed with the key that signs timestamps', async () => {
		const { admin, authority } = await start();
		expect((await admin.inject({ url: '/admin/v1/trust' })).statusCode).toBe(401);
		const response = await admin.inject({
			url: '/admin/v1/trust',
			headers: { authorization: `Bearer ${ADMIN_TOKEN}` },
		});
		const report = openTrustReport(response.json());
		expect(Buffer.from(report.publicKey).equals(authority.signer.publicKey)).toBe(true);
		expect(report.material).toMatchObject({
			kind: 'timestamp-authority',
			uri: 'https://tsa.example.com/api/v1/timestamp',
			subject: { organization: 'Chancery Test', commonName: 'Test Timestamp Authority' },
		});
		const chain = report.material.kind === 'timestamp-authority' ? report.material.certChain.map(fromBase64) : [];
		expect(chain.map((der) => Buffer.from(der).toString('hex'))).toEqual(
			authority.chain.chain.map((der) => Buffer.from(der).toString('hex')),
		);
	});

	it('refuses to start with the key of another authority', async () => {
		const [authority, other] = [await makeAuthority(), await makeAuthority()];
		await expect(start({ authority, signer: other.signer })).rejects.toThrow(/not for the key of this authority/);
	});
});

/** A query of openssl without nonce, with one extension appended. */
function withExtension(der: Uint8Array): Uint8Array {
	const extension = Uint8Array.of(0xa0, 0x09, 0x30, 0x07, 0x06, 0x02, 0x2a, 0x03, 0x04, 0x01, 0x00);
	return Uint8Array.of(0x30, der[1]! + extension.length, ...der.subarray(2), ...extension);
}

describe('the configuration', () => {
	it('describes every field', () => {
		for (const [name, field] of Object.entries(configSchema().shape))
			expect(field.description?.length ?? 0, name).toBeGreaterThan(20);
	});

	it('refuses unknown keys', () => {
		expect(
			configSchema().safeParse({ publicUrl: 'https://a', chainPem: '', admin: { tokens: [] }, polcyOid: '1.2' })
				.success,
		).toBe(false);
	});
});
