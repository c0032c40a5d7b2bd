import { createHash } from 'node:crypto';
import {
	derBoolean,
	derContext,
	derInteger,
	derNull,
	derOctetString,
	derOid,
	derRaw,
	derSequence,
} from '@chancery/core/der';
import { SeededRandom } from '@chancery/testkit/seeded-random';
import { AsnConvert } from '@peculiar/asn1-schema';
import { TimeStampReq } from '@peculiar/asn1-tsp';
import { describe, expect, it } from 'vitest';
import { opensslOutput } from '../../test/authority-fixture.ts';
import { parseTimestampJsonQuery, parseTimestampQuery } from './timestamp-query.ts';

const SHA256 = '2.16.840.1.101.3.4.2.1';
const DIGEST = createHash('sha256').update('x').digest();
const algorithm = (oid: string, ...parameters: Uint8Array[]) => derSequence(derOid(oid), ...parameters);
const imprint = (oid = SHA256, digest: Uint8Array = DIGEST) =>
	derSequence(algorithm(oid, derNull()), derOctetString(digest));
const query = (...parts: Uint8Array[]) => derSequence(derInteger(1), imprint(), ...parts);

const outcome = (work: () => unknown): unknown => {
	try {
		return work();
	} catch (error) {
		return (error as { code?: string; name: string }).code ?? (error as Error).name;
	}
};

describe('parseTimestampQuery', () => {
	it('reads what openssl writes', () => {
		const der = opensslOutput(['ts', '-query', '-data', 'd', '-sha384', '-cert', '-tspolicy', '1.2.3.4'], { d: 'x' });
		const parsed = parseTimestampQuery(der);
		const judge = AsnConvert.parse(der.slice().buffer, TimeStampReq);
		expect(parsed.hash.name).toBe('sha384');
		expect(Buffer.from(parsed.digest).toString('hex')).toBe(createHash('sha384').update('x').digest('hex'));
		expect(parsed.policy).toBe('1.2.3.4');
		expect(parsed.certReq).toBe(true);
		expect(Buffer.from(parsed.nonce!.subarray(2)).equals(Buffer.from(judge.nonce!))).toBe(true);
		expect(Buffer.from(parsed.imprint).equals(Buffer.from(AsnConvert.serialize(judge.messageImprint)))).toBe(true);
	});

	const accepted = [
		{ name: 'nothing optional', der: query() },
		{
			name: 'no NULL parameters',
			der: derSequence(derInteger(1), derSequence(algorithm(SHA256), derOctetString(DIGEST))),
		},
		{ name: 'certReq FALSE written out', der: query(derBoolean(false)) },
		{ name: 'a nonce of a thousand bytes', der: query(derInteger(new Uint8Array(1000).fill(7))) },
		{ name: 'a negative nonce', der: query(derRaw(2, Uint8Array.of(0x80, 0))) },
		{ name: 'a nonce whose first bit is set', der: query(derRaw(2, Uint8Array.of(0, 0x80))) },
	];
	it.each(accepted)('accepts $name', ({ der }) => {
		expect(parseTimestampQuery(der).certReq).toBe(false);
	});

	const refused = [
		{ name: 'nothing', der: new Uint8Array(0), code: 'malformed-query' },
		{ name: 'bytes behind the query', der: Uint8Array.of(...query(), 0), code: 'malformed-query' },
		{ name: 'an element behind the query', der: Uint8Array.of(...query(), 5, 0), code: 'malformed-query' },
		{ name: 'an unknown field in the query', der: query(derNull()), code: 'malformed-query' },
		{ name: 'version 2', der: derSequence(derInteger(2), imprint()), code: 'malformed-query' },
		{ name: 'a padded nonce', der: query(derRaw(2, Uint8Array.of(0, 1))), code: 'malformed-query' },
		{ name: 'a padded zero as nonce', der: query(derRaw(2, Uint8Array.of(0, 0))), code: 'malformed-query' },
		{ name: 'a padded negative nonce', der: query(derRaw(2, Uint8Array.of(0xff, 0x80, 0))), code: 'malformed-query' },
		{ name: 'a constructed nonce', der: query(derRaw(0x22, derInteger(1))), code: 'malformed-query' },
		{
			name: 'NULL parameters with content',
			der: derSequence(
				derInteger(1),
				derSequence(algorithm(SHA256, derRaw(5, Uint8Array.of(0))), derOctetString(DIGEST)),
			),
			code: 'malformed-query',
		},
		{
			name: 'parameters that are not NULL',
			der: derSequence(derInteger(1), derSequence(algorithm(SHA256, derSequence()), derOctetString(DIGEST))),
			code: 'malformed-query',
		},
		{
			name: 'the digest in pieces',
			der: derSequence(derInteger(1), derSequence(algorithm(SHA256), derRaw(0x24, derOctetString(DIGEST)))),
			code: 'malformed-query',
		},
		{
			name: 'a policy with a padded arc',
			der: query(derRaw(6, Uint8Array.of(0x2a, 0x80, 0x03))),
			code: 'malformed-query',
		},
		{
			name: 'a policy that is cut off inside an arc',
			der: query(derRaw(6, Uint8Array.of(0x2a, 0x83))),
			code: 'malformed-query',
		},
		{
			name: 'a padded length',
			der: Uint8Array.of(0x30, 0x81, ...query().subarray(1)),
			code: 'malformed-query',
		},
		{ name: 'an empty nonce', der: query(derRaw(2)), code: 'malformed-query' },
		{ name: 'an odd boolean', der: query(derRaw(1, Uint8Array.of(1))), code: 'malformed-query' },
		{ name: 'fields in another order', der: query(derBoolean(true), derInteger(5)), code: 'malformed-query' },
		{
			name: 'SHA-1',
			der: derSequence(derInteger(1), imprint('1.3.14.3.2.26', DIGEST.subarray(0, 20))),
			code: 'unaccepted-hash',
		},
		{
			name: 'SHA-224',
			der: derSequence(derInteger(1), imprint('2.16.840.1.101.3.4.2.4', DIGEST.subarray(0, 28))),
			code: 'unaccepted-hash',
		},
		{ name: 'SHA3-256', der: derSequence(derInteger(1), imprint('2.16.840.1.101.3.4.2.8')), code: 'unaccepted-hash' },
		{
			name: 'a short digest',
			der: derSequence(derInteger(1), imprint(SHA256, DIGEST.subarray(1))),
			code: 'wrong-digest-length',
		},
		{
			name: 'an empty digest',
			der: derSequence(derInteger(1), imprint(SHA256, new Uint8Array(0))),
			code: 'wrong-digest-length',
		},
		{
			name: 'a SHA-512 digest named SHA-256',
			der: derSequence(derInteger(1), imprint(SHA256, new Uint8Array(64))),
			code: 'wrong-digest-length',
		},
		{
			name: 'an extension',
			der: query(derContext(0, {}, derSequence(derOid('1.2.3'), derOctetString(DIGEST)))),
			code: 'unaccepted-extension',
		},
		{
			name: 'a critical extension',
			der: query(derContext(0, {}, derSequence(derOid('1.2.3'), derBoolean(true), derOctetString(DIGEST)))),
			code: 'unaccepted-extension',
		},
		{ name: 'an empty list of extensions', der: query(derContext(0, {})), code: 'malformed-query' },
		{
			name: 'an OID of 129 arcs',
			der: query(derRaw(6, Uint8Array.of(0x2a, ...new Uint8Array(127).fill(1)))),
			code: 'malformed-query',
		},
		{
			name: 'an indefinite length',
			der: Uint8Array.of(0x30, 0x80, ...query().subarray(2), 0, 0),
			code: 'malformed-query',
		},
		{ name: '16 KiB and a byte', der: new Uint8Array(16 * 1024 + 1), code: 'query-too-large' },
	];
	it.each(refused)('refuses $name', ({ der, code }) => {
		expect(outcome(() => parseTimestampQuery(der))).toBe(code);
	});

	it('answers every mangled query with a typed error or a query that says the same imprint again', () => {
		const good = query(derOid('1.2.3.4'), derInteger(new Uint8Array(9).fill(0x21)), derBoolean(true));
		const codes = ['malformed-query', 'unaccepted-hash', 'wrong-digest-length', 'unaccepted-extension'];
		let refusals = 0;
		for (let at = 0; at < good.length; at++)
			for (const change of [0x01, 0x80, 0xff]) {
				const mangled = good.slice();
				mangled[at]! ^= change;
				const result = outcome(() => parseTimestampQuery(mangled));
				if (typeof result === 'string') {
					expect(codes).toContain(result);
					refusals++;
				}
			}
		for (let length = 0; length < good.length; length++)
			expect(outcome(() => parseTimestampQuery(good.subarray(0, length)))).toBe('malformed-query');
		expect(refusals).toBeGreaterThan(50);
	});

	it('answers random bytes with a typed error', () => {
		const random = new SeededRandom(12345);
		for (let round = 0; round < 3000; round++) {
			const bytes = random.bytes(random.below(80));
			if (round % 2 === 0 && bytes.length > 2) bytes.set([0x30, bytes.length - 2]);
			expect(outcome(() => parseTimestampQuery(bytes))).toMatch(/^(malformed-query|unaccepted|wrong-digest)/);
		}
	});
});

describe('parseTimestampJsonQuery', () => {
	const hash = DIGEST.toString('base64');
	const parse = (text: string) => parseTimestampJsonQuery(new TextEncoder().encode(text));
	const body = (rest = '') => `{"artifactHash":"${hash}","hashAlgorithm":"sha256"${rest}}`;

	it('reads what the JavaScript client sends', () => {
		const parsed = parse(body());
		expect(parsed).toMatchObject({ policy: undefined, nonce: undefined, certReq: false });
		expect(Buffer.from(parsed.imprint).toString('hex')).toBe(Buffer.from(imprint()).toString('hex'));
	});

	const nonces = [
		{ text: '0', der: '020100' },
		{ text: '127', der: '02017f' },
		{ text: '128', der: '02020080' },
		{ text: '-1', der: '0201ff' },
		{ text: '-129', der: '0202ff7f' },
		{ text: '18446744073709551615', der: '020900ffffffffffffffff' },
		{ text: '9007199254740993', der: '020720000000000001' },
	];
	it.each(nonces)('keeps every digit of the nonce $text', ({ text, der }) => {
		expect(Buffer.from(parse(body(`,"nonce":${text}`)).nonce!).toString('hex')).toBe(der);
	});

	it('reads certificates, policy and names of digests in any case', () => {
		const parsed = parse(
			`{"artifactHash":"${hash}","hashAlgorithm":"SHA256","certificates":true,"tsaPolicyOID":"1.2.3","unknown":[{}]}`,
		);
		expect(parsed).toMatchObject({ policy: '1.2.3', certReq: true });
	});

	const refused = [
		{ name: 'no JSON', text: '{', code: 'malformed-query' },
		{ name: 'nothing', text: '', code: 'malformed-query' },
		{ name: 'an array', text: '[]', code: 'malformed-query' },
		{ name: 'a fraction as nonce', text: body(',"nonce":1.5'), code: 'malformed-query' },
		{ name: 'an exponent in the nonce', text: body(',"nonce":1e3'), code: 'malformed-query' },
		{ name: 'a truth value as nonce', text: body(',"nonce":true'), code: 'malformed-query' },
		{ name: 'sha1', text: `{"artifactHash":"${hash}","hashAlgorithm":"sha1"}`, code: 'unaccepted-hash' },
		{
			name: 'a name of Object.prototype',
			text: `{"artifactHash":"${hash}","hashAlgorithm":"toString"}`,
			code: 'unaccepted-hash',
		},
		{
			name: 'a digest of another length',
			text: `{"artifactHash":"${hash}","hashAlgorithm":"sha512"}`,
			code: 'wrong-digest-length',
		},
		{
			name: 'a digest that is not base64',
			text: '{"artifactHash":"!!","hashAlgorithm":"sha256"}',
			code: 'malformed-query',
		},
		{
			name: 'hexadecimal text as digest',
			text: `{"artifactHash":"${DIGEST.toString('hex')}","hashAlgorithm":"sha256"}`,
			code: 'wrong-digest-length',
		},
		{ name: 'a policy that is no OID', text: body(',"tsaPolicyOID":"1.2.x"'), code: 'malformed-query' },
		{ name: 'a policy with an impossible arc', text: body(',"tsaPolicyOID":"1.77"'), code: 'malformed-query' },
		{ name: 'a policy of 129 arcs', text: body(`,"tsaPolicyOID":"1${'.1'.repeat(128)}"`), code: 'malformed-query' },
		{ name: 'a kilobyte and more', text: body(`,"nonce":1${'0'.repeat(1000)}`), code: 'query-too-large' },
		{ name: 'deep nesting', text: '['.repeat(1000), code: 'malformed-query' },
	];
	it.each(refused)('refuses $name', ({ text, code }) => {
		expect(outcome(() => parse(text))).toBe(code);
	});

	it('refuses bytes that are not UTF-8', () => {
		expect(outcome(() => parseTimestampJsonQuery(Uint8Array.of(0x22, 0xff, 0x22)))).toBe('malformed-query');
	});
});
