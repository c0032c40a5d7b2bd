/** Submissions over HTTP: SCTs are judged by bytes assembled here and by node's own ECDSA. */
import { randomBytes } from 'node:crypto';
import { call } from '@chancery/net/call';
import { extension } from '@chancery/testkit/certificate';
import { type AddChainReply, addChain, addPreChain, getSth, getSthConsistency } from '@chancery/wire/ct';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
	base64,
	CODE_SIGNING,
	certificate,
	leafPlan,
	makeAuthority,
	makePrecertificate,
	POISON,
	sha256,
	type TestAuthority,
} from './certificates.ts';
import { checkDigitallySigned, leafBytes } from './rfc6962.ts';
import { get, type RunningLog, register, reportOf, startLog, submit, submitPatiently } from './running-log.ts';

let log: RunningLog;
let authority: TestAuthority;
let stranger: TestAuthority;

beforeAll(async () => {
	authority = await makeAuthority('ours');
	stranger = await makeAuthority('theirs');
	log = await startLog();
	expect((await register(log, await reportOf(authority))).statusCode).toBe(201);
});
afterAll(() => log.end());

const logSize = async () => (await get(log, 'get-sth')).json().tree_size as number;
const makeCertificate = () => leafPlan(authority, [CODE_SIGNING]);

describe('add-pre-chain', () => {
	it('answers an SCT over the TBSCertificate without poison and the hash of the issuing key', async () => {
		const { der, tbs } = await makePrecertificate(authority);
		const before = Date.now();
		const response = await submit(log, 'add-pre-chain', [der, authority.issuing, authority.root]);
		expect(response.statusCode).toBe(200);
		expect(response.headers['content-type']).toBe('application/json');
		const sct = response.json<AddChainReply>();
		expect(Object.keys(sct)).toEqual(['sct_version', 'id', 'timestamp', 'extensions', 'signature']);
		expect(sct).toMatchObject({ sct_version: 0, extensions: '', id: base64(sha256(log.signer.publicKey)) });
		expect(sct.timestamp).toBeGreaterThanOrEqual(before);
		expect(sct.timestamp).toBeLessThanOrEqual(Date.now() + 1000);
		const signed = leafBytes(sct.timestamp, { issuerPublicKey: authority.issuingSigner.publicKey, tbs });
		expect(checkDigitallySigned(log.signer.publicKey, signed, sct.signature)).toBe(true);
		signed[signed.length - 3]! ^= 1;
		expect(checkDigitallySigned(log.signer.publicKey, signed, sct.signature)).toBe(false);
	});

	it('logs the very leaf that it signed, with precertificate and complete chain beside it', async () => {
		const { der, tbs } = await makePrecertificate(authority);
		const sct = (await submit(log, 'add-pre-chain', [der, authority.issuing])).json<AddChainReply>();
		const last = (await logSize()) - 1;
		const [entry] = (await get(log, 'get-entries', { start: last, end: last })).json().entries;
		const leaf = leafBytes(sct.timestamp, { issuerPublicKey: authority.issuingSigner.publicKey, tbs });
		expect(entry.leaf_input).toBe(base64(leaf));
		const u24 = (n: number) => Buffer.of(n >> 16, (n >> 8) & 0xff, n & 0xff);
		const listed = (c: Uint8Array) => Buffer.concat([u24(c.length), c]);
		const chain = Buffer.concat([listed(authority.issuing), listed(authority.root)]);
		expect(entry.extra_data).toBe(base64(Buffer.concat([listed(der), u24(chain.length), chain])));
	});

	it('answers a repeat with the first SCT byte for byte, also with another spelling of the chain and another precertificate signature', async () => {
		const plan = leafPlan(authority, [CODE_SIGNING, POISON]);
		const [der, signedAgain] = [await certificate(plan), await certificate(plan)];
		expect(Buffer.from(der).equals(signedAgain)).toBe(false);
		const first = (await submit(log, 'add-pre-chain', [der, authority.issuing, authority.root])).json();
		const size = await logSize();
		expect((await submit(log, 'add-pre-chain', [der, authority.issuing, authority.root])).json()).toEqual(first);
		expect((await submit(log, 'add-pre-chain', [der, authority.issuing])).json()).toEqual(first);
		expect((await submit(log, 'add-pre-chain', [signedAgain, authority.issuing])).json()).toEqual(first);
		expect(await logSize()).toBe(size);
	});

	it('answers many submissions of one precertificate at once with one SCT', async () => {
		const { der } = await makePrecertificate(authority);
		const size = await logSize();
		const replies = await Promise.all(
			Array.from({ length: 20 }, () => submitPatiently(log, 'add-pre-chain', [der, authority.issuing])),
		);
		expect(new Set(replies.map((reply) => reply.body)).size).toBe(1);
		expect(await logSize()).toBe(size + 1);
	});

	it('takes poison wherever it stands, also as the only extension', async () => {
		for (const extensions of [[POISON], [POISON, CODE_SIGNING]]) {
			const plan = leafPlan(authority, extensions);
			expect((await submit(log, 'add-pre-chain', [await certificate(plan), authority.issuing])).statusCode).toBe(200);
		}
	});
});

describe('add-chain', () => {
	it('answers an SCT over the certificate, and logs its chain', async () => {
		const der = await certificate(makeCertificate());
		const sct = (await submit(log, 'add-chain', [der, authority.issuing])).json<AddChainReply>();
		const leaf = leafBytes(sct.timestamp, { certificate: der });
		expect(checkDigitallySigned(log.signer.publicKey, leaf, sct.signature)).toBe(true);
		const last = (await logSize()) - 1;
		const [entry] = (await get(log, 'get-entries', { start: last, end: last })).json().entries;
		expect(entry.leaf_input).toBe(base64(leaf));
		expect(Buffer.from(entry.extra_data, 'base64').length).toBe(
			3 + 3 + authority.issuing.length + 3 + authority.root.length,
		);
	});

	it('logs two certificates that differ only in their signature as two entries', async () => {
		const plan = makeCertificate();
		const first = (await submit(log, 'add-chain', [await certificate(plan), authority.issuing])).json();
		const second = (await submit(log, 'add-chain', [await certificate(plan), authority.issuing])).json();
		expect(first.signature).not.toBe(second.signature);
	});

	it('needs no content type and ignores unknown fields', async () => {
		const der = await certificate(makeCertificate());
		const payload = JSON.stringify({ chain: [der, authority.issuing].map(base64), more: 1 });
		const response = await log.app.inject({ method: 'POST', url: '/ct/v1/add-chain', payload });
		expect(response.statusCode).toBe(200);
	});
});

describe('the typed caller', () => {
	it('submits a precertificate, and reads proofs with numbers as parameters', async () => {
		const url = await log.app.listen({ host: '127.0.0.1', port: 0 });
		const { der } = await makePrecertificate(authority);
		const chain = [der, authority.issuing, authority.root].map(base64);
		const { body: sct } = await call(addPreChain, url, { body: { chain } }, { fetch });
		expect(sct.extensions).toBe('');
		const { body: head } = await call(getSth, url, {}, { fetch });
		const query = { first: 1, second: head.tree_size };
		const { body } = await call(getSthConsistency, url, { query }, { fetch });
		expect(body.consistency.length).toBeGreaterThan(0);
		await expect(call(addChain, url, { body: { chain } }, { fetch })).rejects.toMatchObject({
			status: 400,
			serverMessage: expect.stringContaining('add-pre-chain'),
		});
	});
});

describe('refusals', () => {
	const post = (payload: string) => log.app.inject({ method: 'POST', url: '/ct/v1/add-chain', payload });

	it.each([
		{ name: 'no body', payload: '' },
		{ name: 'no JSON', payload: '{' },
		{ name: 'no chain', payload: '{}' },
		{ name: 'an empty chain', payload: '{"chain":[]}' },
		{ name: 'a chain of numbers', payload: '{"chain":[1]}' },
		{ name: 'an empty certificate', payload: '{"chain":[""]}' },
		{ name: 'no base64', payload: '{"chain":["*"]}' },
		{ name: 'base64 that is not canonical', payload: '{"chain":["MB=="]}' },
		{ name: 'no DER', payload: '{"chain":["AAAA"]}' },
		{ name: 'eleven certificates', payload: JSON.stringify({ chain: Array(11).fill('AAAA') }) },
	])('answers 400 in words for $name', async ({ payload }) => {
		const response = await post(payload);
		expect(response.statusCode).toBe(400);
		expect(response.headers['content-type']).toBe('text/plain; charset=utf-8');
		expect(response.body.length).toBeGreaterThan(10);
	});

	it('answers 413 for a body over the limit', async () => {
		const response = await post(JSON.stringify({ chain: ['A'.repeat(140_000)] }));
		expect(response.statusCode).toBe(413);
	});

	it('answers 405 for the wrong method', async () => {
		expect((await get(log, 'add-chain')).statusCode).toBe(405);
	});

	it('keeps certificates and precertificates to their endpoints', async () => {
		const { der } = await makePrecertificate(authority);
		const wrong = await submit(log, 'add-chain', [der, authority.issuing]);
		expect([wrong.statusCode, wrong.body]).toEqual([400, expect.stringContaining('add-pre-chain')]);
		const final = await certificate(makeCertificate());
		const other = await submit(log, 'add-pre-chain', [final, authority.issuing]);
		expect([other.statusCode, other.body]).toEqual([400, expect.stringContaining('add-chain')]);
	});

	it('refuses poison that is malformed', async () => {
		const odd = extension('1.3.6.1.4.1.11129.2.4.3', Uint8Array.of(5, 1, 0), true);
		const der = await certificate(leafPlan(authority, [odd]));
		const response = await submit(log, 'add-pre-chain', [der, authority.issuing]);
		expect([response.statusCode, response.body]).toEqual([400, expect.stringContaining('poison')]);
	});

	it('refuses chains of strangers, naming where they end', async () => {
		const { der } = await makePrecertificate(stranger);
		const response = await submit(log, 'add-pre-chain', [der, stranger.issuing, stranger.root]);
		expect([response.statusCode, response.body]).toEqual([400, expect.stringContaining('CN=theirs root')]);
		expect((await submit(log, 'add-pre-chain', [der, authority.issuing])).statusCode).toBe(400);
		expect((await submit(log, 'add-pre-chain', [der])).statusCode).toBe(400);
	});

	it('refuses precertificate signing certificates', async () => {
		const purpose = extension('2.5.29.37', Buffer.from('300c060a2b06010401d679020404', 'hex'), true);
		const isCa = extension('2.5.29.19', Uint8Array.of(0x30, 3, 1, 1, 0xff), true);
		const precertSigner = await certificate({
			...leafPlan(authority, [isCa, purpose]),
			subject: 'precert signer',
			publicKey: stranger.issuingSigner.publicKey,
		});
		const der = await certificate({
			...leafPlan(authority, [POISON]),
			issuer: 'precert signer',
			signer: stranger.issuingSigner,
		});
		const response = await submit(log, 'add-pre-chain', [der, precertSigner, authority.issuing]);
		expect([response.statusCode, response.body]).toEqual([400, expect.stringContaining('precertificate signing')]);
	});

	it('answers every mangled submission with 400 and logs nothing', async () => {
		const { der } = await makePrecertificate(authority);
		const size = await logSize();
		for (let at = 0; at < der.length; at += 3) {
			const mangled = Buffer.from(der);
			mangled[at]! ^= 0x81;
			const response = await submit(log, 'add-pre-chain', [mangled, authority.issuing]);
			expect(response.statusCode, `byte ${at}: ${response.body}`).toBe(400);
		}
		for (let round = 0; round < 50; round++)
			expect((await submit(log, 'add-chain', [randomBytes(200), authority.issuing])).statusCode).toBe(400);
		expect(await logSize()).toBe(size);
	});
});
