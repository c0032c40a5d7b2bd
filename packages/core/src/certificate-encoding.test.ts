import { createPublicKey, generateKeyPairSync, sign, X509Certificate } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { SIGNATURE_IDENTIFIERS } from './algorithm-registry.ts';
import { signatureAlgorithmOf } from './algorithms.ts';
import { EKU_TIME_STAMPING, parseCertificate } from './certificate.ts';
import {
	encodeAuthorityKeyId,
	encodeCaExtensions,
	encodeName,
	encodePurpose,
	encodeSignedCertificate,
	encodeSigningUsage,
	encodeSubjectKeyId,
	encodeTbsCertificate,
	newSerialNumber,
	yearsAfter,
} from './certificate-encoding.ts';
import { keyIdentifier } from './spki.ts';

const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const spki = new Uint8Array(publicKey.export({ type: 'spki', format: 'der' }));
const notBefore = new Date('2026-01-02T03:04:05Z');

function certify(extensions: readonly Uint8Array[]): Uint8Array {
	const signatureIdentifier = SIGNATURE_IDENTIFIERS['ecdsa-sha2-256-nistp256'];
	const tbs = encodeTbsCertificate({
		serial: newSerialNumber((n) => new Uint8Array(n).fill(0xff)),
		signatureIdentifier,
		issuer: encodeName('Org', 'Name'),
		subject: encodeName('Org', 'Name'),
		notBefore,
		notAfter: yearsAfter(notBefore, 3),
		publicKey: spki,
		extensions,
	});
	return encodeSignedCertificate(tbs, signatureIdentifier, new Uint8Array(sign('sha256', tbs, privateKey)));
}

describe('a written certificate', () => {
	it('is read and verified by OpenSSL as what was meant', () => {
		const der = certify([
			...encodeCaExtensions(1),
			encodeSubjectKeyId(spki),
			encodeAuthorityKeyId(keyIdentifier(spki)),
		]);
		const judge = new X509Certificate(der);
		expect(judge.verify(createPublicKey(privateKey))).toBe(true);
		expect(judge.ca).toBe(true);
		expect(judge.subject).toBe('O=Org\nCN=Name');
		expect(judge.validFromDate).toEqual(notBefore);
		expect(judge.validToDate).toEqual(new Date('2029-01-02T03:04:05Z'));
		expect(judge.serialNumber).toBe(`7F${'FF'.repeat(19)}`);
		expect(judge.checkIssued(judge)).toBe(true);
	});

	it('carries one purpose', () => {
		const judge = new X509Certificate(certify([encodeSigningUsage(), encodePurpose(EKU_TIME_STAMPING, true)]));
		expect(judge.ca).toBe(false);
		expect(judge.keyUsage).toEqual([EKU_TIME_STAMPING]);
	});

	it('names an algorithm that the table of readers knows', () => {
		const { signatureAlgorithm } = parseCertificate(certify([encodeSigningUsage()]));
		expect(signatureAlgorithmOf(signatureAlgorithm)).toMatchObject({
			key: 'ec',
			hash: 'SHA2_256',
			name: 'ECDSA-SHA256',
		});
	});
});

describe('a serial number', () => {
	it.each([
		['all bits set', 0xff, '7f'],
		['no bit set', 0x00, '01'],
	])('is positive and 20 octets long with %s', (_what, octet, first) => {
		const serial = newSerialNumber((n) => new Uint8Array(n).fill(octet));
		expect(serial.length).toBe(20);
		expect(serial.toHex().slice(0, 2)).toBe(first);
	});

	it('is not made from a random source that gives too little', () => {
		expect(() => newSerialNumber(() => new Uint8Array(4))).toThrow(RangeError);
	});
});
