/** The tables, judged by OpenSSL: its names for our identifiers, its keys and certificates read with our tables. */
import { execFileSync } from 'node:child_process';
import { type createPublicKey, generateKeyPairSync, getCurves, getHashes, sign, X509Certificate } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
	hashOfKey,
	REGISTERED,
	REGISTERED_RSA_BITS,
	REGISTRY,
	registeredAlgorithm,
	SIGNATURE_IDENTIFIERS,
	SIGNATURE_OIDS,
} from './algorithm-registry.ts';
import {
	CURVES,
	type CurveName,
	curveWithOid,
	HASH_ALGORITHMS,
	HASHES,
	hashWithName,
	hashWithOid,
	KEYS,
	type KeyKind,
	REFUSED_SIGNATURES,
	SIGNATURES,
	signatureAlgorithmOf,
} from './algorithms.ts';
import { encodeName, encodeSignedCertificate, encodeTbsCertificate } from './certificate-encoding.ts';
import { derNull, derOid, derSequence } from './der.ts';
import { digestLength } from './sha.ts';
import { keyDetailsOf, parseSpki } from './spki.ts';

/** What the openssl command reads in DER. */
function asn1(der: Uint8Array): string {
	return execFileSync('openssl', ['asn1parse', '-inform', 'DER'], { input: der, encoding: 'utf8' });
}

const spkiOf = (keys: { publicKey: ReturnType<typeof createPublicKey> }) =>
	new Uint8Array(keys.publicKey.export({ type: 'spki', format: 'der' }));

/** OpenSSL's long or short name for each signature algorithm. */
const OPENSSL_SIGNATURES: Readonly<Record<string, string>> = {
	'ECDSA-SHA256': 'ecdsa-with-SHA256',
	'ECDSA-SHA384': 'ecdsa-with-SHA384',
	'ECDSA-SHA512': 'ecdsa-with-SHA512',
	'SHA256-RSA': 'sha256WithRSAEncryption',
	'SHA384-RSA': 'sha384WithRSAEncryption',
	'SHA512-RSA': 'sha512WithRSAEncryption',
	Ed25519: 'ED25519',
	'ECDSA-SHA1': 'ecdsa-with-SHA1',
	'MD5-RSA': 'md5WithRSAEncryption',
	'SHA1-RSA': 'sha1WithRSAEncryption',
	RSAPSS: 'rsassaPss',
};

const KEY_PAIRS = {
	ec: () => generateKeyPairSync('ec', { namedCurve: 'prime256v1' }),
	rsa: () => generateKeyPairSync('rsa', { modulusLength: 2048 }),
	ed25519: () => generateKeyPairSync('ed25519'),
} satisfies Record<KeyKind, unknown>;

describe('the table of algorithms, as OpenSSL knows them', () => {
	it.each([...SIGNATURES.map(({ oid, name }) => [oid, name]), ...REFUSED_SIGNATURES])('calls %s %s', (oid, name) => {
		expect(asn1(derOid(oid))).toMatch(new RegExp(`OBJECT +:${OPENSSL_SIGNATURES[name]}\\n`));
	});

	it.each(SIGNATURES)('has key and hash of $name', ({ oid, parameters, key, hash }) => {
		const keys = KEY_PAIRS[key]();
		const identifier = derSequence(derOid(oid), ...(parameters === 'null' ? [derNull()] : []));
		const tbs = encodeTbsCertificate({
			serial: Uint8Array.of(1),
			signatureIdentifier: identifier,
			issuer: encodeName('Tests', 'root'),
			subject: encodeName('Tests', 'root'),
			notBefore: new Date('2026-01-01T00:00:00Z'),
			notAfter: new Date('2027-01-01T00:00:00Z'),
			publicKey: spkiOf(keys),
			extensions: [],
		});
		const signature = new Uint8Array(sign(key === 'ed25519' ? null : HASHES[hash].name, tbs, keys.privateKey));
		// OpenSSL knows by the identifier alone which key and hash belong to it.
		const judge = new X509Certificate(encodeSignedCertificate(tbs, identifier, signature));
		expect(judge.verify(keys.publicKey)).toBe(true);
		// No identifier says so: RFC 8032 section 5.1.
		if (key === 'ed25519') expect(hash).toBe('SHA2_512');
	});

	it.each(HASH_ALGORITHMS)('has %s', (hash) => {
		const { name, oid } = HASHES[hash];
		expect(getHashes()).toContain(name);
		expect(asn1(derOid(oid))).toMatch(new RegExp(`:${name}\\n`));
		expect(hash).toBe(`SHA2_${8 * digestLength(hash)}`);
		expect([hashWithName(name), hashWithOid(oid)]).toEqual([hash, hash]);
	});

	it.each(Object.keys(CURVES) as CurveName[])('has %s', (curve) => {
		const { oid, bytes, openssl } = CURVES[curve];
		expect(getCurves()).toContain(openssl);
		expect(asn1(derOid(oid))).toContain(`:${openssl}\n`);
		expect(curveWithOid(oid)).toBe(curve);
		const keys = generateKeyPairSync('ec', { namedCurve: openssl });
		expect(parseSpki(spkiOf(keys))).toMatchObject({ algorithm: 'ec', curve, ecPoint: { length: 1 + 2 * bytes } });
	});

	it('writes identifiers with the parameters that belong to them', () => {
		expect(asn1(SIGNATURE_IDENTIFIERS['ecdsa-sha2-384-nistp384'])).not.toContain('NULL');
		expect(asn1(SIGNATURE_IDENTIFIERS.ed25519)).not.toContain('NULL');
		expect(asn1(SIGNATURE_IDENTIFIERS['rsa-sign-pkcs1-3072-sha256'])).toMatch(/:sha256WithRSAEncryption\n.*NULL/);
		expect(Object.keys(SIGNATURE_OIDS)).not.toContain('ed25519-ph');
	});

	it('finds nothing under names that every object has, nor under refused ones', () => {
		for (const name of ['__proto__', 'constructor', 'toString', '', ...REFUSED_SIGNATURES.keys(), KEYS.rsa.oid]) {
			expect(signatureAlgorithmOf(name)).toBeUndefined();
			expect(hashWithName(name)).toBeUndefined();
			expect(hashWithOid(name)).toBeUndefined();
			expect(curveWithOid(name)).toBeUndefined();
		}
	});
});

it.each([
	['sha1WithRSAEncryption', '1.2.840.113549.1.1.5'],
	['ecdsa-with-SHA1', '1.2.840.10045.4.1'],
	['RSASSA-PSS', '1.2.840.113549.1.1.10'],
	['an empty identifier', ''],
])('the signature algorithm %s is not accepted', (_name, oid) => {
	expect(signatureAlgorithmOf(oid)).toBeUndefined();
});

describe("Sigstore's registry", () => {
	it.each(Object.entries(REGISTRY))(
		'%s names the kind of key that its words say',
		(name, { keyDetails, key, hash }) => {
			const [, bits] = /SHA_?(\d+)$/.exec(keyDetails) ?? [];
			if (bits) expect(hash).toBe(`SHA2_${bits}`);
			if ('curve' in key) {
				expect(keyDetails).toContain(key.curve.replace('-', ''));
				expect(name).toContain(`nist${key.curve.replace('-', '').toLowerCase()}`);
			}
			if ('rsaBits' in key) for (const text of [keyDetails, name]) expect(text).toContain(String(key.rsaBits));
		},
	);

	it('gives each key one algorithm for messages and one for digests', () => {
		for (const { key } of REGISTERED)
			for (const over of ['message', 'digest'] as const)
				expect(REGISTERED.filter((one) => one.over.includes(over) && one.key.algorithm === key.algorithm)).toContain(
					registeredAlgorithm(key, over),
				);
		const ed25519 = parseSpki(spkiOf(generateKeyPairSync('ed25519')));
		expect([keyDetailsOf(ed25519), keyDetailsOf(ed25519, 'digest')]).toEqual(['PKIX_ED25519', 'PKIX_ED25519_PH']);
	});

	it('has a default hash for every key, and names for three sizes of RSA', () => {
		expect(REGISTERED_RSA_BITS).toEqual([2048, 3072, 4096]);
		expect(hashOfKey({ algorithm: 'rsa', rsaBits: 8192 })).toBe('SHA2_256');
		expect(registeredAlgorithm({ algorithm: 'rsa', rsaBits: 8192 }, 'digest')).toBeUndefined();
		expect(hashOfKey({ algorithm: 'ec', curve: 'P-521' })).toBe('SHA2_512');
	});
});
