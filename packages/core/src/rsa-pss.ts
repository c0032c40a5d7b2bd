/**
 * RSASSA-PSS as certificates name it (RFC 4055 section 3.1): the parameters of its AlgorithmIdentifier say the hash, the
 * mask generation function and the length of the salt. Read as Go's crypto/x509 does, which upstream verifies with: one
 * hash for both, SHA-256, SHA-384 or SHA-512, and a salt of its length. What is left out means SHA-1 and is not accepted.
 */
import { hashWithOid, RSA_PSS } from './algorithms.ts';
import { DerReader } from './der.ts';
import { FormatError } from './format-error.ts';
import { digestLength, type HashAlgorithm } from './sha.ts';

/** The hash of such a signature, from the DER of an AlgorithmIdentifier; undefined when that names anything else. */
export function rsaPssHash(identifier: Uint8Array): HashAlgorithm | undefined {
	try {
		return readRsaPss(new DerReader(identifier).sequence());
	} catch (error) {
		if (error instanceof FormatError) return undefined;
		throw error;
	}
}

function readRsaPss(identifier: DerReader): HashAlgorithm | undefined {
	if (identifier.oid() !== RSA_PSS.oid) return undefined;
	const parameters = identifier.sequence();
	identifier.end();
	const hash = readHash(parameters.context(0));
	const mask = parameters.context(1).sequence();
	const isMgf1 = mask.oid() === RSA_PSS.mgf1;
	const maskHash = readHash(mask);
	const saltLength = parameters.context(2).smallInteger();
	// The default, which is no DER when it is written out, as Go reads it all the same.
	const trailer = parameters.optionalContext(3)?.smallInteger() ?? 1;
	parameters.end();
	if (hash === undefined || !isMgf1 || maskHash !== hash || trailer !== 1) return undefined;
	return saltLength === digestLength(hash) ? hash : undefined;
}

/** The AlgorithmIdentifier that is left in `fields`: NULL behind the name may be missing (RFC 4055 section 2.1). */
function readHash(fields: DerReader): HashAlgorithm | undefined {
	const identifier = fields.sequence();
	fields.end();
	const hash = hashWithOid(identifier.oid());
	if (identifier.hasMore) identifier.null();
	identifier.end();
	return hash;
}
