/** Certificates for the most expensive requests: long, many, or with expensive keys. Nothing here is verified. */
import { type KeyObject, randomBytes, sign } from 'node:crypto';
import { encodeCaExtensions, encodeExtension } from '@chancery/core/certificate-encoding';
import {
	derBitString,
	derContext,
	derInteger,
	derNull,
	derOid,
	derSequence,
	derSet,
	derTime,
	derUtf8,
} from '@chancery/core/der';

const ALGORITHMS = {
	ec: derSequence(derOid('1.2.840.10045.4.3.2')),
	rsa: derSequence(derOid('1.2.840.113549.1.1.11'), derNull()),
} as const;
const HOUR_MS = 3_600_000;
/** One time for all: a chain must be valid at the start of its leaf's validity. */
const NOW_MS = Date.now();

export const POISON: Uint8Array = encodeExtension('1.3.6.1.4.1.11129.2.4.3', true, derNull());
export const IS_CA: readonly Uint8Array[] = encodeCaExtensions(20);

/** An extension of this many bytes that no code reads. */
export const ballast = (bytes: number): Uint8Array => encodeExtension('1.2.3.4.5', false, randomBytes(bytes));

const relativeName = (commonName: string): Uint8Array => derSet(derSequence(derOid('2.5.4.3'), derUtf8(commonName)));

export const nameOf = (commonName: string): Uint8Array => derSequence(relativeName(commonName));

/** Behind 165 short ones: the slowest 2 kB to read. Ten certificates with two such names have 60 kB as PEM. */
export const longNameOf = (commonName: string): Uint8Array =>
	derSequence(...Array.from({ length: 165 }, () => relativeName('x')), relativeName(commonName));

export interface CertificatePlan {
	/** DER of the Name. */
	readonly issuer: Uint8Array;
	readonly subject: Uint8Array;
	readonly key: KeyObject;
	/** Public. */
	readonly holder: KeyObject;
	readonly extensions: readonly Uint8Array[];
}

export const spkiOf = (key: KeyObject): Uint8Array => new Uint8Array(key.export({ type: 'spki', format: 'der' }));

/** DER of a certificate that is valid now, signed with SHA-256. */
export function certificate({ issuer, subject, key, holder, extensions }: CertificatePlan): Uint8Array {
	const algorithm = ALGORITHMS[key.asymmetricKeyType as keyof typeof ALGORITHMS];
	const tbs = derSequence(
		derContext(0, {}, derInteger(2)),
		derInteger(Uint8Array.of(1, ...randomBytes(15))),
		algorithm,
		issuer,
		derSequence(derTime(new Date(NOW_MS - HOUR_MS)), derTime(new Date(NOW_MS + HOUR_MS))),
		subject,
		spkiOf(holder),
		derContext(3, {}, derSequence(...extensions)),
	);
	return derSequence(tbs, algorithm, derBitString(sign('sha256', tbs, key)));
}
