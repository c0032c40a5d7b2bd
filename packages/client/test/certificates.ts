/** Certificates and timestamps of the test services, made with core's writers and signed by node:crypto. */
import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { concatBytes, utf8 } from '@chancery/core/bytes';
import { encodeSctList, sctSignedData } from '@chancery/core/ct';
import {
	derBitString,
	derContext,
	derGeneralizedTime,
	derInteger,
	derOctetString,
	derOid,
	derRaw,
	derSequence,
	derSet,
	derUtf8,
} from '@chancery/core/der';
import {
	basicConstraints,
	CODE_SIGNING,
	commonName,
	extendedKeyUsage,
	extension,
	keyUsage,
	TIME_STAMPING,
	tbsCertificate,
} from '@chancery/testkit/certificate';

export interface TestKey {
	readonly privateKey: KeyObject;
	/** DER SubjectPublicKeyInfo. */
	readonly spki: Uint8Array;
}

/** A P-256 key. */
export function makeKey(): TestKey {
	const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
	return { privateKey, spki: new Uint8Array(publicKey.export({ type: 'spki', format: 'der' })) };
}

export const signWith = (key: TestKey, message: Uint8Array) => new Uint8Array(sign('sha256', message, key.privateKey));
export const sha256 = (bytes: Uint8Array) => new Uint8Array(createHash('sha256').update(bytes).digest());

const ECDSA_SHA256 = derSequence(derOid('1.2.840.10045.4.3.2'));
const SHA256 = derSequence(derOid('2.16.840.1.101.3.4.2.1'));
const TST_INFO = '1.2.840.113549.1.9.16.1.4';

export interface CertificateRecipe {
	readonly subject: string;
	readonly issuer: string;
	readonly publicKey: Uint8Array;
	readonly signer: TestKey;
	readonly notBefore: Date;
	readonly notAfter: Date;
	readonly extensions: readonly Uint8Array[];
}

export function issueCertificate(recipe: CertificateRecipe): Uint8Array {
	const tbs = toBeSigned(recipe);
	return derSequence(tbs, ECDSA_SHA256, derBitString(signWith(recipe.signer, tbs)));
}

/** With one SCT by this log, over the certificate of the recipe. */
export function issueWithSct(
	recipe: CertificateRecipe,
	log: TestKey,
	issuerKey: Uint8Array,
	timeMs: number,
): Uint8Array {
	const entry = { type: 'precert' as const, issuerKeyHash: sha256(issuerKey), tbs: toBeSigned(recipe) };
	const extensions = new Uint8Array();
	const signature = signWith(log, sctSignedData({ timestampMs: timeMs, entry, extensions }));
	const head = { version: 0, logId: sha256(log.spki), timestampMs: timeMs, extensions } as const;
	const list = encodeSctList([{ ...head, hashAlgorithm: 4, signatureAlgorithm: 3, signature }]);
	const sctExtension = extension('1.3.6.1.4.1.11129.2.4.2', list);
	return issueCertificate({ ...recipe, extensions: [...recipe.extensions, sctExtension] });
}

function toBeSigned(recipe: CertificateRecipe): Uint8Array {
	return tbsCertificate({ ...recipe, serial: 77, algorithm: ECDSA_SHA256 });
}

export const CA_EXTENSIONS = [basicConstraints(true)];
export const TSA_EXTENSIONS = [extendedKeyUsage([TIME_STAMPING], true)];

export function leafExtensions(email: string, issuer: string): Uint8Array[] {
	return [
		keyUsage(0),
		extendedKeyUsage([CODE_SIGNING]),
		extension('2.5.29.17', derSequence(derContext(1, { constructed: false }, utf8(email))), true),
		extension('1.3.6.1.4.1.57264.1.8', derUtf8(issuer)),
	];
}

export interface TimestampRecipe {
	/** DER of the MessageImprint and of the nonce, as in the request. */
	readonly imprint: Uint8Array;
	readonly nonce: Uint8Array | undefined;
	readonly genTime: Date;
	readonly key: TestKey;
	readonly certificate: Uint8Array;
	readonly issuer: string;
}

/** An RFC 3161 response. */
export function makeTimestamp({ imprint, nonce, genTime, key, certificate, issuer }: TimestampRecipe): Uint8Array {
	const tail = nonce ? [nonce] : [];
	const time = derGeneralizedTime(genTime);
	const tstInfo = derSequence(derInteger(1), derOid('1.2.3.4'), imprint, derInteger(9), time, ...tail);
	const attributes = derSet(
		attribute('1.2.840.113549.1.9.3', derOid(TST_INFO)),
		attribute('1.2.840.113549.1.9.4', derOctetString(sha256(tstInfo))),
		attribute('1.2.840.113549.1.9.16.2.47', derSequence(derSequence(derSequence(derOctetString(sha256(certificate)))))),
	);
	const signerInfo = derSequence(
		derInteger(1),
		derSequence(commonName(issuer), derInteger(77)),
		SHA256,
		// Signed as a SET, carried as [0].
		concatBytes(Uint8Array.of(0xa0), attributes.subarray(1)),
		ECDSA_SHA256,
		derOctetString(signWith(key, attributes)),
	);
	const signedData = derSequence(
		derInteger(3),
		derSet(SHA256),
		derSequence(derOid(TST_INFO), derContext(0, {}, derOctetString(tstInfo))),
		derRaw(0xa0, certificate),
		derSet(signerInfo),
	);
	const token = derSequence(derOid('1.2.840.113549.1.7.2'), derContext(0, {}, signedData));
	return derSequence(derSequence(derInteger(0)), token);
}

function attribute(oid: string, value: Uint8Array): Uint8Array {
	return derSequence(derOid(oid), derSet(value));
}
