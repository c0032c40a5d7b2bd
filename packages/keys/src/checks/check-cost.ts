/**
 * What a signature check costs, before it is made: its milliseconds, and the share of the work that it is counted on.
 *
 * The figures are CPU time as measured on the machine of reference, with the reading of the key. Only their proportions
 * matter: the queue is bounded and divided by them. A check that is much cheaper here than it is would be the way
 * to keep the log busy, so everything that a stranger chooses and that costs is counted: the size of a modulus, its
 * exponent, the length of a message, the certificates of a chain and the length of each.
 */
import type { CurveName } from '@chancery/core/algorithms';
import { FormatError } from '@chancery/core/format-error';
import { type PublicKeyInfo, parseSpki, type RsaPublicKey } from '@chancery/core/spki';
import type { EcdsaBackendName } from '../digest/ecdsa-backend.ts';
import type { ChainCheck, SignatureCheck } from './signature-check.ts';

/** Kinds of checks between which the work is divided evenly while several of them wait. */
export const SHARES = [
	'P-256',
	'P-384',
	'P-521',
	'Ed25519',
	'Ed25519ph',
	'RSA-2048',
	'RSA-3072',
	'RSA-4096',
	'other RSA',
	'long messages',
	'chains',
] as const;
export type Share = (typeof SHARES)[number];

export interface CheckCost {
	readonly ms: number;
	readonly share: Share;
}

type CurveCosts = Readonly<Record<CurveName, number>>;

/** OpenSSL over a message. */
const NATIVE_MS: CurveCosts & { readonly Ed25519: number } = {
	'P-256': 0.09,
	'P-384': 0.65,
	'P-521': 1.5,
	Ed25519: 0.13,
};

const DIGEST_MS: Readonly<Record<EcdsaBackendName, CurveCosts>> = {
	native: { 'P-256': 0.09, 'P-384': 0.65, 'P-521': 1.5 },
	'shifted-key': { 'P-256': 0.16, 'P-384': 1.6, 'P-521': 3.5 },
	noble: { 'P-256': 1.8, 'P-384': 3.9, 'P-521': 7.3 },
};
const ED25519PH_MS = 1.4;

/** Reading a key and unpacking a block, and per bit of the exponent for a modulus of 4096 bits; squarely more for more. */
const RSA_MS = 0.04;
const RSA_EXPONENT_BIT_MS = 0.0045;
/** 65537 and everything smaller. */
const USUAL_EXPONENT_BITS = 17;

/** SHA-2 and the copying before it, in a millisecond. */
const HASHED_BYTES_PER_MS = 1_000_000;
const LONG_MESSAGE_BYTES = 64 * 1024;

/** Two readings of a certificate, ours and OpenSSL's, when it is as short as honest ones are. */
const CERTIFICATE_MS = 0.15;
const SHORT_CERTIFICATE_BYTES = 1024;
/** Beyond that it costs by its elements. So much takes the longest when it is all names of a few bytes each. */
const CERTIFICATE_BYTES_PER_MS = 7_000;
/** A key that cannot be read, under which nothing verifies; OpenSSL reads its certificate all the same. */
const UNKNOWN_KEY_MS = 2;

/** The cost of `check` when ECDSA over digests is verified by `backend`. */
export function costOf(check: SignatureCheck | ChainCheck, backend: EcdsaBackendName): CheckCost {
	if ('chain' in check) {
		const ms = check.chain.reduce((sum, { der, publicKey }) => sum + certificateMs(der) + chainKeyMs(publicKey), 0);
		return { ms, share: 'chains' };
	}
	const { key, over } = check;
	if ('digest' in over) return { ms: digestMs(key.info, backend), share: shareOf(key.info, 'Ed25519ph') };
	const { length } = over.message;
	return {
		ms: nativeMs(key.info) + length / HASHED_BYTES_PER_MS,
		share: length > LONG_MESSAGE_BYTES ? 'long messages' : shareOf(key.info, 'Ed25519'),
	};
}

function shareOf(info: PublicKeyInfo, ed25519: 'Ed25519' | 'Ed25519ph'): Share {
	if (info.algorithm === 'ed25519') return ed25519;
	if (info.algorithm === 'ec') return info.curve;
	const named = SHARES.find((share) => share === `RSA-${info.rsaBits}`);
	return named !== undefined && exponentBits(info) <= USUAL_EXPONENT_BITS ? named : 'other RSA';
}

function digestMs(info: PublicKeyInfo, backend: EcdsaBackendName): number {
	if (info.algorithm === 'rsa') return rsaMs(info);
	return info.algorithm === 'ed25519' ? ED25519PH_MS : DIGEST_MS[backend][info.curve];
}

function nativeMs(info: PublicKeyInfo): number {
	if (info.algorithm === 'rsa') return rsaMs(info);
	return info.algorithm === 'ed25519' ? NATIVE_MS.Ed25519 : NATIVE_MS[info.curve];
}

/** Both are bounded where keys are read (`core/spki`): the worst is 8192 bits with an exponent of 31, half a millisecond. */
function rsaMs(info: RsaPublicKey): number {
	return RSA_MS + exponentBits(info) * RSA_EXPONENT_BIT_MS * (info.rsaBits / 4096) ** 2;
}

function exponentBits({ rsaExponent }: RsaPublicKey): number {
	return 8 * rsaExponent.length - (Math.clz32(rsaExponent[0] ?? 0) - 24);
}

function certificateMs({ length }: Uint8Array): number {
	return CERTIFICATE_MS + Math.max(0, length - SHORT_CERTIFICATE_BYTES) / CERTIFICATE_BYTES_PER_MS;
}

/** Issuers may have keys that may sign certificates and no entries. */
function chainKeyMs(spki: Uint8Array): number {
	try {
		return nativeMs(parseSpki(spki));
	} catch (error) {
		if (error instanceof FormatError) return UNKNOWN_KEY_MS;
		throw error;
	}
}
