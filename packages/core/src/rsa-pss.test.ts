/** Identifiers of RSASSA-PSS: those that openssl writes, and near them those that Go's crypto/x509 takes or refuses. */
import { OpensslFolder } from '@chancery/testkit/openssl-folder';
import { afterAll, describe, expect, it } from 'vitest';
import { HASHES } from './algorithms.ts';
import { parseCertificate } from './certificate.ts';
import { derContext, derInteger, derNull, derOid, derSequence } from './der.ts';
import { parsePem } from './pem.ts';
import { rsaPssHash } from './rsa-pss.ts';

const openssl = new OpensslFolder();
openssl.run('genrsa', '-out', 'key.pem', '2048');
afterAll(() => openssl.remove());

/** The identifier of a certificate that openssl signs, with these options of the signature. */
function written(hash: string, ...options: string[]): Uint8Array {
	const signed = ['-x509', '-key', 'key.pem', '-subj', '/CN=test', `-${hash}`];
	const pem = openssl.run('req', ...signed, ...options.flatMap((option) => ['-sigopt', option]));
	return parseCertificate(parsePem(pem)[0]!.der).signatureIdentifier;
}

const PSS = 'rsa_padding_mode:pss';
const SALT = 'rsa_pss_saltlen:digest';
const OID_PSS = '1.2.840.113549.1.1.10';
const OID_MGF1 = '1.2.840.113549.1.1.8';
const OID_SHA1 = '1.3.14.3.2.26';
const SHA256 = HASHES.SHA2_256.oid;

const hashId = (oid: string, ...parameters: Uint8Array[]) => derSequence(derOid(oid), ...parameters);
const hash = (id = hashId(SHA256, derNull())) => derContext(0, {}, id);
const mask = (id = hashId(SHA256, derNull()), oid = OID_MGF1) => derContext(1, {}, derSequence(derOid(oid), id));
const salt = (length: number) => derContext(2, {}, derInteger(length));
const trailer = (field: number) => derContext(3, {}, derInteger(field));
const pss = (...parameters: Uint8Array[]) => derSequence(derOid(OID_PSS), derSequence(...parameters));

describe('an identifier of RSASSA-PSS', () => {
	it.each([
		['sha256', 'SHA2_256'],
		['sha384', 'SHA2_384'],
		['sha512', 'SHA2_512'],
	])('by openssl names %s', (name, expected) => {
		expect(rsaPssHash(written(name, PSS, SALT))).toBe(expected);
	});

	it.each([
		['without NULL behind the hash', pss(hash(hashId(SHA256)), mask(hashId(SHA256)), salt(32))],
		['with NULL behind one hash only', pss(hash(), mask(hashId(SHA256)), salt(32))],
		['with the trailer field written out', pss(hash(), mask(), salt(32), trailer(1))],
	])('is read %s', (_what, identifier) => {
		expect(rsaPssHash(identifier)).toBe('SHA2_256');
	});

	it.each([
		['of PKCS#1 v1.5', written('sha256')],
		['with SHA-1', written('sha1', PSS, SALT)],
		['with SHA-224', written('sha224', PSS, SALT)],
		['with another hash in its mask', written('sha256', PSS, SALT, 'rsa_mgf1_md:sha384')],
		['with SHA-1 in its mask', pss(hash(), mask(hashId(OID_SHA1, derNull())), salt(32))],
		['with a shorter salt', written('sha256', PSS, 'rsa_pss_saltlen:16')],
		['with the longest salt', written('sha256', PSS, 'rsa_pss_saltlen:max')],
		['with another mask', pss(hash(), mask(hashId(SHA256, derNull()), OID_PSS), salt(32))],
		['with another trailer field', pss(hash(), mask(), salt(32), trailer(2))],
		['without parameters', derSequence(derOid(OID_PSS))],
		['with NULL as parameters', derSequence(derOid(OID_PSS), derNull())],
		['with the defaults, which are SHA-1', pss()],
		['without a hash', pss(mask(), salt(32))],
		['without a mask', pss(hash(), salt(32))],
		['without a salt, which is then of 20 bytes', written('sha256', PSS, 'rsa_pss_saltlen:20')],
		['with something behind the hash', pss(hash(hashId(SHA256, derNull(), derNull())), mask(), salt(32))],
		['with an integer behind the hash', pss(hash(hashId(SHA256, derInteger(1))), mask(), salt(32))],
		['with something behind its parameters', pss(hash(), mask(), salt(32), trailer(1), derNull())],
		['that ends early', pss(hash(), mask(), salt(32)).subarray(0, -1)],
		['that is nothing', new Uint8Array()],
	])('is not accepted %s', (_what, identifier) => {
		expect(rsaPssHash(identifier)).toBeUndefined();
	});
});
