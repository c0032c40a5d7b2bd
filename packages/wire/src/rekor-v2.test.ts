import { SeededRandom } from '@chancery/testkit/seeded-random';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { createEntryRequest } from './rekor-v2.ts';
import { transparencyLogEntry } from './transparency-log-entry.ts';

const verifier = { publicKey: { rawBytes: 'AQID' }, keyDetails: 'PKIX_ECDSA_P256_SHA_256' };
const hashed = { digest: '+/+/', signature: { content: 'BAUG', verifier } };
const dsse = {
	envelope: { payload: 'e30=', payloadType: 'text/plain', signatures: [{ sig: 'AQID', keyid: 'x' }] },
	verifiers: [verifier],
};

describe('a v2 request in proto3 JSON', () => {
	const parsed = createEntryRequest.parse({ hashedRekordRequestV002: hashed });

	it('is read with its bytes decoded', () => {
		expect(parsed.hashedRekordRequestV002).toEqual({
			digest: Uint8Array.of(0xfb, 0xff, 0xbf),
			signature: {
				content: Uint8Array.of(4, 5, 6),
				verifier: { publicKey: { rawBytes: Uint8Array.of(1, 2, 3) }, keyDetails: 'PKIX_ECDSA_P256_SHA_256' },
			},
		});
	});

	it.each([
		[
			'declared names',
			{
				hashed_rekord_request_v002: {
					digest: '+/+/',
					signature: {
						content: 'BAUG',
						verifier: { public_key: { raw_bytes: 'AQID' }, key_details: 'PKIX_ECDSA_P256_SHA_256' },
					},
				},
			},
		],
		['null for what is not set', { hashedRekordRequestV002: hashed, dsseRequestV002: null }],
		['the URL alphabet', { hashedRekordRequestV002: { ...hashed, digest: '-_-_' } }],
	])('may use %s', (_, request) => {
		expect(createEntryRequest.parse(request)).toEqual(parsed);
	});

	it('may leave out padding as a whole, and not a part of it', () => {
		const read = (digest: string) => createEntryRequest.safeParse({ hashedRekordRequestV002: { ...hashed, digest } });
		expect(read('AQ').data).toEqual(read('AQ==').data);
		expect(read('AQ').success).toBe(true);
		expect(read('AQ=').success).toBe(false);
	});

	it.each([
		['nothing', {}],
		['a list', []],
		['both members', { hashedRekordRequestV002: hashed, dsseRequestV002: dsse }],
		['an unknown member', { hashedRekordRequestV002: hashed, x: 1 }],
		['one member under both its names', { hashedRekordRequestV002: hashed, hashed_rekord_request_v002: hashed }],
		['a number for bytes', { hashedRekordRequestV002: { ...hashed, digest: 7 } }],
		['white space in bytes', { hashedRekordRequestV002: { ...hashed, digest: 'AQ ID' } }],
		['bits behind the last byte', { hashedRekordRequestV002: { ...hashed, digest: 'AR==' } }],
		['empty bytes', { hashedRekordRequestV002: { ...hashed, digest: '' } }],
		['no signature', { dsseRequestV002: { ...dsse, envelope: { ...dsse.envelope, signatures: [] } } }],
		['no verifier', { dsseRequestV002: { ...dsse, verifiers: [] } }],
		['eleven verifiers', { dsseRequestV002: { ...dsse, verifiers: Array(11).fill(verifier) } }],
	])('is refused with %s', (_, request) => {
		expect(createEntryRequest.safeParse(request).success).toBe(false);
	});

	it('may bring an envelope without payload', () => {
		const envelope = { payloadType: 'text/plain', signatures: [{ sig: 'AQID' }] };
		const { dsseRequestV002 } = createEntryRequest.parse({ dsseRequestV002: { ...dsse, envelope } });
		expect(dsseRequestV002?.envelope.payload).toEqual(new Uint8Array());
	});

	it('never throws, whatever it is', () => {
		const random = new SeededRandom(0x2545f491);
		const text = JSON.stringify({ hashedRekordRequestV002: hashed, dsseRequestV002: dsse });
		let parsedTexts = 0;
		for (let round = 0; round < 3000; round++) {
			const at = random.below(text.length);
			const mangled =
				text.slice(0, at) +
				['', '"', '0', 'null', '_a', '[', '{}', ','][random.below(8)] +
				text.slice(at + random.below(12));
			let value: unknown;
			try {
				value = JSON.parse(mangled);
			} catch {
				continue;
			}
			parsedTexts++;
			expect(() => createEntryRequest.safeParse(value), mangled).not.toThrow();
		}
		expect(parsedTexts).toBeGreaterThan(100);
	});
});

describe('a log entry in proto3 JSON', () => {
	const json = {
		logIndex: '735',
		logId: { keyId: 'AQID' },
		kindVersion: { kind: 'hashedrekord', version: '0.0.2' },
		integratedTime: '0',
		inclusionPromise: null,
		inclusionProof: {
			logIndex: '735',
			rootHash: 'AQID',
			treeSize: '736',
			hashes: ['BAUG'],
			checkpoint: { envelope: 'log\n' },
		},
		canonicalizedBody: 'e30=',
	};

	it('is written with every field, in order, integers as strings', () => {
		expect(JSON.stringify(z.encode(transparencyLogEntry, transparencyLogEntry.parse(json)))).toBe(JSON.stringify(json));
	});

	it.each([
		['a negative index', { logIndex: '-1' }],
		['an index beyond what a number holds', { logIndex: '9007199254740993' }],
		['an index with a leading zero', { logIndex: '07' }],
		['an empty body', { canonicalizedBody: '' }],
		['no log id', { logId: undefined }],
	])('is refused with %s', (_, change) => {
		expect(transparencyLogEntry.safeParse({ ...json, ...change }).success).toBe(false);
	});
});
