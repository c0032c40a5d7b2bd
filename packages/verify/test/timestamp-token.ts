/** RFC 3161 responses of a test authority, with every part open to being wrong. */
import { createHash } from 'node:crypto';
import {
	derContext,
	derGeneralizedTime,
	derInteger,
	derNull,
	derOctetString,
	derOid,
	derRaw,
	derSequence,
	derSet,
} from '@chancery/core/der';
import { commonName } from '@chancery/testkit/certificate';
import { algorithmIdentifier } from './certificates.ts';
import { signWith, type TestKey } from './keys.ts';

export interface TimestampRecipe {
	/** What is timestamped. */
	readonly data: Uint8Array;
	readonly genTime: Date;
	readonly key: TestKey;
	/** DER of the authority's certificate, and what the signer is called in the message. */
	readonly certificate: Uint8Array;
	readonly issuer: string;
	readonly serial: number;
	/** Certificates that travel along. */
	readonly embedded?: readonly Uint8Array[];
	readonly status?: number;
	readonly imprintHash?: keyof typeof HASH_OIDS;
	/** Instead of the digest of the content. */
	readonly messageDigest?: Uint8Array;
	readonly signatureAlgorithm?: string;
}

const HASH_OIDS = {
	sha1: '1.3.14.3.2.26',
	sha256: '2.16.840.1.101.3.4.2.1',
	sha384: '2.16.840.1.101.3.4.2.2',
	sha512: '2.16.840.1.101.3.4.2.3',
} as const;
const TST_INFO = '1.2.840.113549.1.9.16.1.4';
const SHA256 = derSequence(derOid(HASH_OIDS.sha256));

export function makeTimestamp(recipe: TimestampRecipe): Uint8Array {
	const { key, data, imprintHash = 'sha256', embedded = [] } = recipe;
	const imprint = derSequence(
		derSequence(derOid(HASH_OIDS[imprintHash]), derNull()),
		derOctetString(hash(imprintHash, data)),
	);
	const tstInfo = derSequence(
		derInteger(1),
		derOid('1.2.3.4'),
		imprint,
		derInteger(99),
		derGeneralizedTime(recipe.genTime),
	);
	const essCertId = derSequence(derOctetString(hash('sha256', recipe.certificate)));
	const attributes = derSet(
		attribute('1.2.840.113549.1.9.3', derOid(TST_INFO)),
		attribute('1.2.840.113549.1.9.4', derOctetString(recipe.messageDigest ?? hash('sha256', tstInfo))),
		attribute('1.2.840.113549.1.9.16.2.47', derSequence(derSequence(essCertId))),
	);
	const signerInfo = derSequence(
		derInteger(1),
		derSequence(commonName(recipe.issuer), derInteger(recipe.serial)),
		SHA256,
		// Signed as a SET, carried as [0].
		Uint8Array.from([0xa0, ...attributes.subarray(1)]),
		algorithmIdentifier(key, recipe.signatureAlgorithm),
		derOctetString(signWith(key, attributes, 'sha256')),
	);
	const signedData = derSequence(
		derInteger(3),
		derSet(SHA256),
		derSequence(derOid(TST_INFO), derContext(0, {}, derOctetString(tstInfo))),
		...(embedded.length > 0 ? [derRaw(0xa0, ...embedded)] : []),
		derSet(signerInfo),
	);
	const token = derSequence(derOid('1.2.840.113549.1.7.2'), derContext(0, {}, signedData));
	return derSequence(derSequence(derInteger(recipe.status ?? 0)), token);
}

function attribute(oid: string, value: Uint8Array): Uint8Array {
	return derSequence(derOid(oid), derSet(value));
}

function hash(name: string, bytes: Uint8Array): Uint8Array {
	return new Uint8Array(createHash(name).update(bytes).digest());
}
