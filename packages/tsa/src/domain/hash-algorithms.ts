/**
 * The digests that may be timestamped. Anything else, SHA-1 first of all, is refused: a timestamp over a digest that
 * can be collided proves nothing, and Sigstore's verifiers would refuse it later anyway.
 */
import type { TimestampHash } from '@chancery/wire/tsa';

export interface ImprintHash {
	readonly name: TimestampHash;
	/** OID of the digest algorithm (RFC 5754 section 2). */
	readonly oid: string;
	readonly digestBytes: number;
}

export const IMPRINT_HASHES: readonly ImprintHash[] = [
	{ name: 'sha256', oid: '2.16.840.1.101.3.4.2.1', digestBytes: 32 },
	{ name: 'sha384', oid: '2.16.840.1.101.3.4.2.2', digestBytes: 48 },
	{ name: 'sha512', oid: '2.16.840.1.101.3.4.2.3', digestBytes: 64 },
];

/** The allowed digest with this OID, if there is one. */
export function imprintHashByOid(oid: string): ImprintHash | undefined {
	return IMPRINT_HASHES.find((hash) => hash.oid === oid);
}

/** The allowed digest with this name in lower case, if there is one. */
export function imprintHashByName(name: string): ImprintHash | undefined {
	return IMPRINT_HASHES.find((hash) => hash.name === name);
}
