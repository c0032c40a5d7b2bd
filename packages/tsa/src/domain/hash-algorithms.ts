/**
 * The digests that may be timestamped. All others, SHA-1 in particular, are refused: a timestamp over a digest with known
 * collisions proves nothing, and Sigstore's verifiers would refuse it anyway.
 */
import { HASH_ALGORITHMS, HASHES, type HashName } from '@chancery/core/algorithms';
import { digestLength } from '@chancery/core/sha';

export interface ImprintHash {
	readonly name: HashName;
	/** OID of the digest algorithm (RFC 5754 section 2). */
	readonly oid: string;
	readonly digestBytes: number;
}

export const IMPRINT_HASHES: readonly ImprintHash[] = HASH_ALGORITHMS.map((hash) => {
	const { name, oid } = HASHES[hash];
	return { name, oid, digestBytes: digestLength(hash) };
});

/** The allowed digest with this OID, if there is one. */
export function imprintHashByOid(oid: string): ImprintHash | undefined {
	return IMPRINT_HASHES.find((hash) => hash.oid === oid);
}

/** The allowed digest with this name in lower case, if there is one. */
export function imprintHashByName(name: string): ImprintHash | undefined {
	return IMPRINT_HASHES.find((hash) => hash.name === name);
}
