import { OpensslFolder } from '@chancery/testkit/openssl-folder';
import { afterAll, describe, expect, it } from 'vitest';
import { toHex } from './bytes.ts';
import { type Certificate, parseCertificate } from './certificate.ts';
import {
	derBitString,
	derBoolean,
	derContext,
	derInteger,
	derNull,
	derOctetString,
	derOid,
	derSequence,
	derSet,
	derTime,
	derUtf8,
} from './der.ts';
import { FormatError } from './format-error.ts';
import { parsePem } from './pem.ts';
import { issuerKeyHash, POISON_OID, SCT_LIST_OID, tbsWithoutPoison, tbsWithoutSct } from './precertificate.ts';
import { ed25519Spki } from './spki.ts';

const openssl = new OpensslFolder();
afterAll(() => openssl.remove());

const ALGORITHM = derSequence(derOid('1.3.101.112'));
const NAME = derSequence(derSet(derSequence(derOid('2.5.4.3'), derUtf8('x'))));
const extension = (oid: string, value: Uint8Array, ...critical: Uint8Array[]) =>
	derSequence(derOid(oid), ...critical, derOctetString(value));
const POISON = extension(POISON_OID, derNull(), derBoolean(true));
const sctList = (length: number) => extension(SCT_LIST_OID, derOctetString(new Uint8Array(length)));
const padding = (length: number) => extension('1.2.3.4', new Uint8Array(length));

/** A certificate with these extensions, and everything else the same. */
function certificateWith(...extensions: Uint8Array[]): Certificate {
	const validity = derSequence(derTime(new Date('2026-01-01T00:00:00Z')), derTime(new Date('2026-01-01T00:10:00Z')));
	const fields = [derContext(0, {}, derInteger(2)), derInteger(7), ALGORITHM, NAME, validity, NAME];
	fields.push(ed25519Spki(new Uint8Array(32).fill(1)));
	if (extensions.length > 0) fields.push(derContext(3, {}, derSequence(...extensions)));
	return parseCertificate(derSequence(derSequence(...fields), ALGORITHM, derBitString(new Uint8Array(64))));
}

describe('a precertificate and its certificate', () => {
	// The lengths move each of the enclosing lengths across a change of its own size.
	it.each([0, 30, 60, 100, 110, 120, 127, 128, 200, 255, 256, 1000, 65_000, 65_400])(
		'have the same signed bytes without poison and SCT list, beside %i bytes of other extensions',
		(length) => {
			const plain = toHex(certificateWith(padding(length)).tbs);
			expect(toHex(tbsWithoutPoison(certificateWith(padding(length), POISON)))).toBe(plain);
			expect(toHex(tbsWithoutSct(certificateWith(padding(length), sctList(130))))).toBe(plain);
		},
	);

	it('keep the order of what stays, wherever the removed extension stood', () => {
		const [a, b] = [extension('1.2.3.1', derNull()), extension('1.2.3.2', derNull())];
		const plain = certificateWith(a, b).tbs;
		for (const extensions of [
			[sctList(5), a, b],
			[a, sctList(5), b],
			[a, b, sctList(5)],
		])
			expect(tbsWithoutSct(certificateWith(...extensions))).toEqual(plain);
	});

	it('have no list of extensions when the removed one was the only one', () => {
		expect(tbsWithoutPoison(certificateWith(POISON))).toEqual(certificateWith().tbs);
	});

	it('lose only the extension asked for', () => {
		const both = certificateWith(POISON, sctList(9));
		expect(tbsWithoutPoison(both)).toEqual(certificateWith(sctList(9)).tbs);
		expect(tbsWithoutSct(both)).toEqual(certificateWith(POISON).tbs);
	});

	it('are refused when there is nothing to remove', () => {
		expect(() => tbsWithoutPoison(certificateWith(padding(1)))).toThrow(FormatError);
		expect(() => tbsWithoutSct(certificateWith())).toThrow(FormatError);
	});
});

describe('with openssl as judge', () => {
	it('the bytes without poison are a TBSCertificate that openssl lists without it and otherwise alike', () => {
		openssl.write('openssl.cnf', '[req]\ndistinguished_name=dn\n[dn]\n');
		const base = [
			'req',
			'-config',
			'openssl.cnf',
			'-x509',
			'-nodes',
			'-days',
			'1',
			'-subj',
			'/CN=x',
			'-newkey',
			'rsa:2048',
		];
		const added = ['subjectAltName=email:a@b', 'ct_precert_poison=critical,ASN1:NULL', 'extendedKeyUsage=codeSigning'];
		openssl.run(...base, '-keyout', 'key.pem', '-out', 'pre.pem', ...added.flatMap((text) => ['-addext', text]));
		const precertificate = parseCertificate(parsePem(new TextDecoder().decode(openssl.read('pre.pem')))[0]!.der);
		openssl.write('cut.der', tbsWithoutPoison(precertificate));
		openssl.write('tbs.der', precertificate.tbs);
		// Values without offsets and lengths, which change around the cut.
		const list = (file: string) =>
			openssl
				.run('asn1parse', '-inform', 'DER', '-in', file)
				.split('\n')
				.map((line) => line.replace(/^.*?(prim|cons): */, ''));
		const before = list('tbs.der');
		const at = before.findIndex((line) => line.includes('CT Precertificate Poison'));
		expect(at).toBeGreaterThan(0);
		// Its SEQUENCE, identifier, boolean and octets.
		expect(list('cut.der')).toEqual([...before.slice(0, at - 1), ...before.slice(at + 3)]);
	});

	it('the issuer key hash is the SHA-256 of the key that openssl shows', () => {
		const certificate = certificateWith();
		openssl.write('cert.der', certificate.der);
		openssl.run('x509', '-inform', 'DER', '-in', 'cert.der', '-noout', '-pubkey', '-out', 'public.pem');
		openssl.run('pkey', '-pubin', '-in', 'public.pem', '-outform', 'DER', '-out', 'public.der');
		const printed = openssl.run('dgst', '-sha256', '-r', 'public.der');
		expect(printed.split(' ')[0]).toBe(toHex(issuerKeyHash(certificate)));
	});
});
