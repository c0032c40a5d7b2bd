/**
 * The last looks at a certificate: before it is signed its bytes are read back and compared with what was asked for, by
 * code that shares nothing with the code that wrote them but the tables of object identifiers; and before anyone gets it
 * OpenSSL reads the whole and verifies the signature.
 */

import { SIGNATURE_OIDS } from '@chancery/core/algorithm-registry';
import { equalBytes } from '@chancery/core/bytes';
import {
	authorityKeyId,
	type Certificate,
	EKU_CODE_SIGNING,
	extendedKeyUsage,
	keyUsage,
	OID_AUTHORITY_KEY_ID,
	OID_EXTENDED_KEY_USAGE,
	OID_KEY_USAGE,
	OID_SUBJECT_ALT_NAME,
	OID_SUBJECT_KEY_ID,
	parseCertificate,
	subjectAltNames,
	subjectKeyId,
} from '@chancery/core/certificate';
import { encodeSct, parseSctList } from '@chancery/core/ct';
import { DerReader } from '@chancery/core/der';
import { FormatError } from '@chancery/core/format-error';
import { FULCIO_EXTENSION_NAMES, FULCIO_EXTENSIONS, readFulcioExtensions } from '@chancery/core/fulcio-extensions';
import { POISON_OID, SCT_LIST_OID, tbsWithoutSct } from '@chancery/core/precertificate';
import { keyIdentifier } from '@chancery/core/spki';
import { isSignedBy } from './certificate-signature.ts';
import type { IssuingChain } from './issuing-chain.ts';
import { LEAF_LIFETIME_MS, type LeafFields } from './leaf-certificate.ts';
import { refuse } from './refusal.ts';

export interface LintExpectation {
	readonly fields: LeafFields;
	/** TBS of the precertificate without its poison: what the log has vouched for. */
	readonly loggedTbs: Uint8Array;
	/** The SCT, encoded. */
	readonly sct: Uint8Array;
	readonly chain: IssuingChain;
}

const CRITICAL = new Set([OID_KEY_USAGE, OID_SUBJECT_ALT_NAME]);

/**
 * Refuses to sign what is not exactly the certificate that was meant. `unsigned` is the certificate in DER; its signature
 * is not looked at.
 * @throws {DomainError} `certificate-defective` with all defects as its cause.
 */
export function lintCertificate(unsigned: Uint8Array, expected: LintExpectation): void {
	requireNone(readDefects(unsigned, expected));
}

/** @throws {DomainError} `certificate-defective` unless the issuing key has signed these very bytes */
export function lintSignature(certificate: Uint8Array, chain: IssuingChain): void {
	requireNone(isSignedBy(certificate, chain.issuingKey) ? [] : ['the issuing key did not sign it']);
}

function requireNone(defects: readonly string[]): void {
	if (defects.length > 0)
		throw refuse('certificate-defective', undefined, {
			cause: new Error(`the certificate is defective: ${defects.join('; ')}`),
		});
}

function readDefects(der: Uint8Array, expected: LintExpectation): string[] {
	try {
		const certificate = parseCertificate(der);
		return [...bodyDefects(certificate, expected), ...extensionDefects(certificate, expected)];
	} catch (error) {
		if (!(error instanceof FormatError)) throw error;
		return [error.message];
	}
}

function bodyDefects(certificate: Certificate, { fields, chain, loggedTbs }: LintExpectation): string[] {
	const lifetimeMs = certificate.notAfter.getTime() - certificate.notBefore.getTime();
	return failed({
		'it is not version 3': certificate.version === 3,
		'the serial number differs': equalBytes(certificate.serial, fields.serial),
		'the serial number is not positive or too long':
			certificate.serial.length <= 20 && (certificate.serial[0] ?? 0x80) < 0x80,
		'the issuer differs': equalBytes(certificate.issuer, chain.issuing.subject),
		'the subject is not empty': equalBytes(certificate.subject, Uint8Array.of(0x30, 0)),
		'the signature algorithm differs': certificate.signatureAlgorithm === SIGNATURE_OIDS[fields.signatureAlgorithm],
		'it is not valid for ten minutes': lifetimeMs === LEAF_LIFETIME_MS,
		'it does not begin now': certificate.notBefore.getTime() === fields.notBefore.getTime(),
		'it outlives an issuer': chain.certificates.every(
			({ notBefore, notAfter }) => notBefore <= certificate.notBefore && certificate.notAfter <= notAfter,
		),
		'the key differs': equalBytes(certificate.publicKey, fields.publicKey),
		'the key is one of ours': chain.certificates.every(
			({ publicKey }) => !equalBytes(publicKey, certificate.publicKey),
		),
		'the log has seen something else': equalBytes(tbsWithoutSct(certificate), loggedTbs),
	});
}

function extensionDefects(certificate: Certificate, { fields, chain, sct }: LintExpectation): string[] {
	const oids = certificate.extensions.map(({ oid }) => oid);
	const names = subjectAltNames(certificate);
	const scts = parseSctList(certificate.extension(SCT_LIST_OID)?.value ?? new Uint8Array());
	const values = readFulcioExtensions(certificate);
	const wanted = FULCIO_EXTENSION_NAMES.filter((name) => (fields.extensions[name] ?? '') !== '');
	const standard = [
		OID_KEY_USAGE,
		OID_EXTENDED_KEY_USAGE,
		OID_SUBJECT_KEY_ID,
		OID_AUTHORITY_KEY_ID,
		OID_SUBJECT_ALT_NAME,
	];
	const order = [...standard, ...wanted.map((name) => FULCIO_EXTENSIONS[name].oid), SCT_LIST_OID];
	return failed({
		'the extensions or their order differ': oids.length === order.length && oids.every((oid, i) => oid === order[i]),
		'the wrong extensions are critical': certificate.extensions.every(
			({ oid, critical }) => critical === CRITICAL.has(oid),
		),
		'it is a precertificate': !oids.includes(POISON_OID),
		'the key usage is not digital signature': keyUsage(certificate)?.join() === 'digitalSignature',
		'the extended key usage is not code signing': extendedKeyUsage(certificate).join() === EKU_CODE_SIGNING,
		'the subject key identifier differs': isSame(subjectKeyId(certificate), keyIdentifier(certificate.publicKey)),
		'the authority key identifier differs': isSame(authorityKeyId(certificate), chain.keyId),
		'there is not exactly one name': countNames(certificate) === 1,
		'the name differs': names[0]?.type === fields.subject.type && names[0].value === fields.subject.value,
		'an identity extension differs': wanted.every((name) => values[name] === fields.extensions[name]),
		'issuer or subject of the token are missing': Boolean(
			values.issuer && values.issuer === values.issuerV2 && values.subject,
		),
		'there is not exactly the one SCT': scts.length === 1 && scts.every((found) => equalBytes(encodeSct(found), sct)),
	});
}

/** All elements of the name list, also those of kinds that nobody reads. */
function countNames(certificate: Certificate): number {
	const list = new DerReader(certificate.extension(OID_SUBJECT_ALT_NAME)?.value ?? new Uint8Array()).sequence();
	let count = 0;
	for (; list.hasMore; count++) list.read();
	return count;
}

function isSame(a: Uint8Array | undefined, b: Uint8Array): boolean {
	return a !== undefined && equalBytes(a, b);
}

/** The names of the checks that did not hold. */
function failed(checks: Readonly<Record<string, boolean>>): string[] {
	return Object.keys(checks).filter((name) => !checks[name]);
}
