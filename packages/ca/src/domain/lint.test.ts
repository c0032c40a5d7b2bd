/**
 * The lint against certificates with one defect each: built by the same writers, changed in one place, signed properly.
 */
import { randomBytes } from 'node:crypto';
import { encodeExtension, newSerialNumber } from '@chancery/core/certificate-encoding';
import { CT_HASH_SHA256, CT_SIGNATURE_ECDSA, encodeSct, encodeSctList, type Sct } from '@chancery/core/ct';
import {
	DerReader,
	derBoolean,
	derContext,
	derInteger,
	derNamedBits,
	derNull,
	derOctetString,
	derOid,
	derSequence,
	derTime,
	derUtf8,
} from '@chancery/core/der';
import { encodePem } from '@chancery/core/pem';
import { generateSigner } from '@chancery/keys/file/generate';
import { beforeAll, describe, expect, it } from 'vitest';
import { generateClientKey } from '../../test/client-key.ts';
import { createCaChain } from '../ca-chain.ts';
import { type IssuingChain, openIssuingChain } from './issuing-chain.ts';
import { encodeCertificate, encodeLeafTbs, type LeafFields, sharedTbs } from './leaf-certificate.ts';
import { lintCertificate, lintSignature } from './lint.ts';

const random = (n: number) => new Uint8Array(randomBytes(n));
const signer = generateSigner('ecdsa-sha2-256-nistp256');
const rootSigner = generateSigner('ecdsa-sha2-256-nistp256');
const SECOND = 1000;
const START = Date.UTC(2026, 7, 1, 12);
const sct: Sct = {
	version: 0,
	logId: random(32),
	timestampMs: START,
	extensions: new Uint8Array(),
	hashAlgorithm: CT_HASH_SHA256,
	signatureAlgorithm: CT_SIGNATURE_ECDSA,
	signature: random(70),
};

let chain: IssuingChain;
let fields: LeafFields;
beforeAll(async () => {
	const made = await createCaChain({
		rootSigner,
		issuingSigner: signer,
		organization: 'Tests',
		commonName: 'authority',
		notBefore: new Date(START - 86_400_000),
		random,
	});
	chain = openIssuingChain([made.issuing, made.root].map((der) => encodePem('CERTIFICATE', der)).join(''), signer);
	fields = {
		serial: newSerialNumber(random),
		issuerName: chain.issuing.subject,
		signatureAlgorithm: signer.algorithm,
		notBefore: new Date(START),
		notAfter: new Date(START + 600 * SECOND),
		publicKey: generateClientKey().spki,
		authorityKeyId: chain.keyId,
		subject: { type: 'email', value: 'ada@example.com' },
		extensions: { issuer: 'https://i.example', issuerV2: 'https://i.example', subject: 'sub' },
	};
});

/** Signs what `change` makes of the parts of a good certificate: TBS elements, the last of them the extensions. */
async function certificate(change: (parts: Uint8Array[], extensions: Uint8Array[]) => void): Promise<Uint8Array> {
	const tbs = new DerReader(
		encodeLeafTbs(sharedTbs(fields), { kind: 'sct-list', value: encodeSctList([sct]) }),
	).sequence();
	const parts: Uint8Array[] = [];
	while (tbs.peekTag() !== 0xa3) parts.push(tbs.read().raw);
	const list = tbs.context(3).sequence();
	const extensions: Uint8Array[] = [];
	while (list.hasMore) extensions.push(list.read().raw);
	change(parts, extensions);
	const changed = derSequence(...parts, derContext(3, {}, derSequence(...extensions)));
	return encodeCertificate(changed, signer.algorithm, await signer.sign(changed));
}

function defectsOf(der: Uint8Array): string {
	try {
		lintCertificate(der, { fields, loggedTbs: sharedTbs(fields).encoded, sct: encodeSct(sct), chain });
		lintSignature(der, chain);
		return '';
	} catch (error) {
		expect(error).toMatchObject({ code: 'certificate-defective' });
		return ((error as Error).cause as Error).message;
	}
}

const KEY_USAGE = 0;
const EXTENDED_KEY_USAGE = 1;
const AUTHORITY_KEY_ID = 3;
const NAMES = 4;
const email = (value: string) => derContext(1, { constructed: false }, new TextEncoder().encode(value));

describe('the lint', () => {
	it('accepts what is as it should be', async () => {
		expect(defectsOf(await certificate(() => undefined))).toBe('');
	});

	it.each<{ defect: string; change: (parts: Uint8Array[], extensions: Uint8Array[]) => void }>([
		{ defect: 'the serial number differs', change: (parts) => parts.splice(1, 1, derInteger(random(19))) },
		{ defect: 'not positive', change: (parts) => parts.splice(1, 1, derInteger(-5)) },
		{ defect: 'the issuer differs', change: (parts) => parts.splice(3, 1, chain.root.subject) },
		{
			defect: 'it is not valid for ten minutes',
			change: (parts) =>
				parts.splice(4, 1, derSequence(derTime(new Date(START)), derTime(new Date(START + 601 * SECOND)))),
		},
		{
			defect: 'it does not begin now',
			change: (parts) =>
				parts.splice(4, 1, derSequence(derTime(new Date(START - SECOND)), derTime(new Date(START + 599 * SECOND)))),
		},
		{
			defect: 'it outlives an issuer',
			change: (parts) =>
				parts.splice(4, 1, derSequence(derTime(new Date(START + 4e11)), derTime(new Date(START + 4e11 + 600_000)))),
		},
		{ defect: 'the subject is not empty', change: (parts) => parts.splice(5, 1, chain.root.subject) },
		{ defect: 'the key differs', change: (parts) => parts.splice(6, 1, generateClientKey().spki) },
		{ defect: 'the key is one of ours', change: (parts) => parts.splice(6, 1, signer.publicKey) },
		{ defect: 'two signature algorithms', change: (parts) => parts.splice(2, 1, derSequence(derOid('1.2.3'))) },
		{
			defect: 'the key usage is not digital signature',
			change: (_, extensions) =>
				extensions.splice(KEY_USAGE, 1, encodeExtension('2.5.29.15', true, derNamedBits([0, 5]))),
		},
		{
			defect: 'the wrong extensions are critical',
			change: (_, extensions) =>
				extensions.splice(KEY_USAGE, 1, encodeExtension('2.5.29.15', false, derNamedBits([0]))),
		},
		{
			defect: 'the extended key usage is not code signing',
			change: (_, extensions) =>
				extensions.splice(
					EXTENDED_KEY_USAGE,
					1,
					encodeExtension('2.5.29.37', false, derSequence(derOid('1.3.6.1.5.5.7.3.1'))),
				),
		},
		{
			defect: 'the authority key identifier differs',
			change: (_, extensions) =>
				extensions.splice(
					AUTHORITY_KEY_ID,
					1,
					encodeExtension('2.5.29.35', false, derSequence(derContext(0, { constructed: false }, random(20)))),
				),
		},
		{
			defect: 'there is not exactly one name',
			change: (_, extensions) =>
				extensions.splice(
					NAMES,
					1,
					encodeExtension('2.5.29.17', true, derSequence(email('ada@example.com'), email('eve@example.com'))),
				),
		},
		{
			defect: 'there is not exactly one name',
			change: (_, extensions) =>
				extensions.splice(
					NAMES,
					1,
					encodeExtension(
						'2.5.29.17',
						true,
						derSequence(email('ada@example.com'), derContext(4, {}, chain.root.subject)),
					),
				),
		},
		{
			defect: 'the name differs',
			change: (_, extensions) =>
				extensions.splice(NAMES, 1, encodeExtension('2.5.29.17', true, derSequence(email('eve@example.com')))),
		},
		{
			defect: 'an identity extension differs',
			change: (_, extensions) =>
				extensions.splice(6, 1, encodeExtension('1.3.6.1.4.1.57264.1.8', false, derUtf8('https://other.example'))),
		},
		{ defect: 'the extensions or their order differ', change: (_, extensions) => extensions.splice(5, 1) },
		{ defect: 'the extensions or their order differ', change: (_, extensions) => void extensions.reverse() },
		{
			defect: 'the extensions or their order differ',
			change: (_, extensions) => extensions.unshift(encodeExtension('2.5.29.19', false, derSequence(derBoolean(true)))),
		},
		{ defect: 'stands twice', change: (_, extensions) => extensions.unshift(extensions[0]!) },
		{
			defect: 'it is a precertificate',
			change: (_, extensions) => extensions.push(encodeExtension('1.3.6.1.4.1.11129.2.4.3', true, derNull())),
		},
		{
			defect: 'extension 1.3.6.1.4.1.11129.2.4.2 is missing',
			change: (_, extensions) => extensions.splice(-1, 1, encodeExtension('1.3.6.1.4.1.11129.2.4.3', true, derNull())),
		},
		{
			defect: 'there is not exactly the one SCT',
			change: (_, extensions) =>
				extensions.splice(-1, 1, encodeExtension('1.3.6.1.4.1.11129.2.4.2', false, encodeSctList([sct, sct]))),
		},
		{
			defect: 'TLS structure',
			change: (_, extensions) =>
				extensions.splice(-1, 1, encodeExtension('1.3.6.1.4.1.11129.2.4.2', false, derOctetString(random(9)))),
		},
	])('refuses a certificate when $defect', async ({ defect, change }) => {
		expect(defectsOf(await certificate(change))).toContain(defect);
	});

	it('refuses a certificate that another key has signed', async () => {
		const tbs = encodeLeafTbs(sharedTbs(fields), { kind: 'sct-list', value: encodeSctList([sct]) });
		const forged = encodeCertificate(tbs, signer.algorithm, await rootSigner.sign(tbs));
		expect(defectsOf(forged)).toContain('the issuing key did not sign it');
	});

	it('refuses every certificate in which one byte was changed', async () => {
		const good = await certificate(() => undefined);
		for (let i = 0; i < good.length; i++) {
			const mangled = good.slice();
			mangled[i]! ^= 0x01;
			expect(defectsOf(mangled), `byte ${i}`).not.toBe('');
		}
	});
});
