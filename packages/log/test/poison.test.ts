/**
 * What nobody sends by accident, in the middle of 500 good entries that arrive at the same time: only the culprit is
 * refused, with 400, and the 500 get their entries.
 */
import { sign } from 'node:crypto';
import { preAuthEncode } from '@chancery/core/dsse';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { certificateOf } from './certificates.ts';
import { type LogUnderTest, startLog } from './log-under-test.ts';
import { dsse, hashedRekordRequest, hashedrekord, newKey, pemOf, verifierOf } from './proposals.ts';

const GOOD = 500;

let log: LogUnderTest;
const key = newKey();
const base64 = (bytes: Uint8Array | string) => Buffer.from(bytes).toString('base64');

beforeAll(async () => {
	// What is tested here is not how much work may wait.
	log = await startLog({ maxQueuedCheckMs: 60_000 });
});
afterAll(() => log.close());

/** One name of a certificate: context tag and content, as DER. */
function certificateNaming(tag: number, content: Uint8Array): string {
	const names = der(0x30, der(tag, content));
	return certificateOf(key, `subjectAltName=DER:${names.toString('hex')}`);
}

function der(tag: number, content: Uint8Array): Buffer {
	const { length } = content;
	const lengthBytes = length < 0x80 ? [length] : [0x82, length >> 8, length & 0xff];
	return Buffer.concat([Buffer.of(tag, ...lengthBytes), content]);
}

/** otherName of the kind that CAs of ours use for user names (1.3.6.1.4.1.57264.1.7), any bytes as its UTF8String. */
function otherName(text: Uint8Array): Uint8Array {
	const oid = Buffer.from('060a2b0601040183bf300107', 'hex');
	return Buffer.concat([oid, der(0xa0, der(0x0c, text))]);
}

const EMAIL = 0x81;
const URI = 0x86;
const OTHER_NAME = 0xa0;

const certificates = {
	nulInEmail: certificateNaming(EMAIL, Buffer.from('admin@example.com\0.attacker.example')),
	nulInOtherName: certificateNaming(OTHER_NAME, otherName(Buffer.from('admin\0!example.com'))),
	longEmail: certificateNaming(EMAIL, Buffer.from(`${'x'.repeat(4096)}@example.com`)),
	longUri: certificateNaming(URI, Buffer.from(`https://example.com/${'y'.repeat(4096)}`)),
	longOtherName: certificateNaming(OTHER_NAME, otherName(Buffer.from('é'.repeat(2048)))),
	badUtf8Email: certificateNaming(EMAIL, Buffer.from('61ff40622e63', 'hex')),
	badUtf8OtherName: certificateNaming(OTHER_NAME, otherName(Buffer.from('61c0af62', 'hex'))),
	surrogateOtherName: certificateNaming(OTHER_NAME, otherName(Buffer.from('61eda08062', 'hex'))),
	large: certificateOf(key, `nsComment=${'x'.repeat(60_000)}`),
};

const derOf = (pem: string) => Buffer.from(pem.replace(/-----[A-Z ]+-----|\s/g, ''), 'base64');

/** The text of a request with bytes in it that JSON cannot hold. */
function mangled(request: object, from: string, to: Uint8Array): Buffer {
	const [before = '', after = ''] = JSON.stringify(request).split(from);
	return Buffer.concat([Buffer.from(before), to, Buffer.from(after)]);
}

const v1Good = hashedrekord('mangled', key);
const v2Good = hashedRekordRequest('mangled', key);
const withHash = (value: string) => ({
	...v1Good,
	spec: { ...v1Good.spec, data: { hash: { algorithm: 'sha256', value } } },
});
const envelopeText = (text: string) => {
	const proposal = dsse({ subject: [] }, key);
	return { ...proposal, spec: { proposedContent: { ...proposal.spec.proposedContent, envelope: text } } };
};
const envelopeOfType = (payloadType: string) =>
	JSON.stringify({
		payload: base64('{}'),
		payloadType,
		signatures: [{ sig: base64(sign('sha256', preAuthEncode('t', Buffer.from('{}')), key.privateKey)) }],
	});

const V1_POISON: readonly (readonly [what: string, payload: object | Buffer, reason: string])[] = [
	['NUL in an e-mail address', hashedrekord('p1', key, certificates.nulInEmail), 'invalid-entry'],
	['NUL in a user name', hashedrekord('p2', key, certificates.nulInOtherName), 'invalid-entry'],
	['NUL in the digest', withHash(`\0${'0'.repeat(63)}`), 'invalid-entry'],
	['NUL in the kind', { ...v1Good, kind: 'hashed\0rekord' }, 'kind-not-enabled'],
	['NUL in the key', hashedrekord('p3', key, pemOf(key).replace('\n', '\0\n')), 'invalid-entry'],
	['NUL in an envelope', envelopeText('{"payload":"\0"}'), 'invalid-entry'],
	['NUL between the tokens', mangled(v1Good, '"kind"', Buffer.from('\0"kind"')), 'invalid-json'],
	['an e-mail address of 4 kB', hashedrekord('p4', key, certificates.longEmail), 'invalid-entry'],
	['a URI of 4 kB', hashedrekord('p5', key, certificates.longUri), 'invalid-entry'],
	['a user name of 4 kB', hashedrekord('p6', key, certificates.longOtherName), 'invalid-entry'],
	['an e-mail address that is no UTF-8', hashedrekord('p7', key, certificates.badUtf8Email), 'invalid-entry'],
	['a user name that is no UTF-8', hashedrekord('p8', key, certificates.badUtf8OtherName), 'invalid-entry'],
	['a user name with half a surrogate pair', hashedrekord('p9', key, certificates.surrogateOtherName), 'invalid-entry'],
	['a body that is no UTF-8', mangled(v1Good, 'rekord', Buffer.of(0xff, 0xc0, 0xaf)), 'invalid-json'],
	['half a surrogate pair as the envelope', envelopeText('\ud800'), 'invalid-entry'],
	['half a surrogate pair in the payload type', envelopeText(envelopeOfType('\ud800')), 'invalid-entry'],
	['a leaf that is too large', hashedrekord('p10', key, certificates.large), 'entry-too-large'],
];

const v2Certificate = (artifact: string, pem: string) => {
	const request = hashedRekordRequest(artifact, key).hashedRekordRequestV002;
	const verifier = { x509Certificate: { rawBytes: base64(derOf(pem)) }, keyDetails: 'PKIX_ECDSA_P256_SHA_256' };
	return { hashedRekordRequestV002: { ...request, signature: { ...request.signature, verifier } } };
};
const v2Envelope = (payloadType: string) => ({
	dsseRequestV002: {
		envelope: { payload: base64('{}'), payloadType, signatures: [{ sig: base64('signature') }] },
		verifiers: [verifierOf(key)],
	},
});

const V2_POISON: typeof V1_POISON = [
	['NUL in an e-mail address', v2Certificate('p1', certificates.nulInEmail), 'invalid-entry'],
	['NUL in a user name', v2Certificate('p2', certificates.nulInOtherName), 'invalid-entry'],
	['NUL between the tokens', mangled(v2Good, '"digest"', Buffer.from('\0"digest"')), 'invalid-json'],
	['an e-mail address of 4 kB', v2Certificate('p3', certificates.longEmail), 'invalid-entry'],
	['a URI of 4 kB', v2Certificate('p4', certificates.longUri), 'invalid-entry'],
	['a user name that is no UTF-8', v2Certificate('p5', certificates.badUtf8OtherName), 'invalid-entry'],
	['a body that is no UTF-8', mangled(v2Good, 'digest', Buffer.of(0xff, 0xc0, 0xaf)), 'invalid-json'],
	['half a surrogate pair in the payload type', v2Envelope('\ud800'), 'invalid-entry'],
	['a leaf that is too large', v2Certificate('p6', certificates.large), 'entry-too-large'],
];

const headers = { 'content-type': 'application/json' };
const reasonOf = (reply: { json(): { reason?: string; details?: { reason: string }[] } }) =>
	reply.json().reason ?? reply.json().details?.[0]?.reason;

describe.each([
	['v1', '/api/v1/log/entries', V1_POISON, (artifact: string) => hashedrekord(artifact, key)],
	['v2', '/api/v2/log/entries', V2_POISON, (artifact: string) => hashedRekordRequest(artifact, key)],
] as const)('on the %s wire', (wire, url, poison, propose) => {
	it('500 good entries get their entries while every kind of poison is refused alone, with 400', async () => {
		const post = (payload: object | Buffer) => log[wire].inject({ method: 'POST', url, headers, payload });
		const good = Array.from({ length: GOOD }, (_, i) => propose(`good ${i}`));
		// The culprits are spread among them.
		const every = Math.floor(GOOD / poison.length);
		const bad: ReturnType<typeof post>[] = [];
		const answers = good.map((payload, i) => {
			const culprit = i % every === 0 ? poison[i / every] : undefined;
			if (culprit) bad.push(post(culprit[1]));
			return post(payload);
		});

		const refusals = await Promise.all(bad);
		expect(refusals.map((reply, i) => [poison[i]![0], reply.statusCode, reasonOf(reply)])).toEqual(
			poison.map(([what, , reason]) => [what, 400, reason]),
		);
		const replies = await Promise.all(answers);
		expect(replies.filter((reply) => reply.statusCode !== 201).map((reply) => reply.body)).toEqual([]);
		const indexes = replies.map((reply) => {
			const body = reply.json();
			return Number(wire === 'v1' ? Object.values<{ logIndex: number }>(body)[0]!.logIndex : body.logIndex);
		});
		expect(new Set(indexes).size).toBe(GOOD);
		// Nothing else has got in: the v1 tree begins with an entry of its own.
		expect(Math.max(...indexes) - Math.min(...indexes)).toBe(GOOD - 1);
		const health = await log.service.health();
		expect(health.checks[wire]).toMatchObject({ ok: true });
	});
});
