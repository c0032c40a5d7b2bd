/** Public keys that nothing should be certified or logged for: weak, of kinds that clients cannot verify, malformed. */
import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { derBitString, derInteger, derNull, derOid, derSequence } from '@chancery/core/der';
import { ed25519Spki } from '@chancery/core/spki';

export interface HostileKey {
	readonly spki: Buffer;
	/** Absent where nobody knows it. */
	readonly privateKey?: KeyObject;
	/** It can be read, and its size or structure is what is wrong. */
	readonly isWeak: boolean;
	/** Logs go by kind and size and record what verifies; whom to trust with it is for others to say. */
	readonly isLoggable?: true;
}

const spkiOf = (key: KeyObject) => createPublicKey(key).export({ type: 'spki', format: 'der' });

function generated(privateKey: KeyObject, isWeak: boolean): HostileKey {
	return { spki: spkiOf(privateKey), privateKey, isWeak };
}

function malformed(change: (point: Buffer) => Buffer): HostileKey {
	const spki = spkiOf(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey);
	return { spki: change(spki), isWeak: false };
}

/** A number in the place of a modulus: nobody knows its factors, and costly is only the check under it. */
function rsaSpki(bits: number, exponent: bigint, last = 1n): Buffer {
	const numbers = derSequence(derInteger(2n ** BigInt(bits - 1) + last), derInteger(exponent));
	return Buffer.from(derSequence(derSequence(derOid('1.2.840.113549.1.1.1'), derNull()), derBitString(numbers)));
}

export function hostileKeys(): Record<string, HostileKey> {
	const curve = (namedCurve: string) => generateKeyPairSync('ec', { namedCurve }).privateKey;
	const rsa = (modulusLength: number, publicExponent = 65_537) =>
		generateKeyPairSync('rsa', { modulusLength, publicExponent }).privateKey;
	const smallOrder = (first: number) => Buffer.from(ed25519Spki(Uint8Array.of(first, ...new Uint8Array(31))));
	return {
		'RSA with 512 bits': generated(rsa(512), true),
		'RSA with 1024 bits': generated(rsa(1024), true),
		'RSA with 2056 bits': generated(rsa(2056), true),
		'RSA with exponent 3': { ...generated(rsa(2048, 3), true), isLoggable: true },
		'RSA with an exponent as long as its modulus': { spki: rsaSpki(3072, 2n ** 3070n + 1n), isWeak: false },
		'RSA with an exponent of 33 bits': { spki: rsaSpki(2048, 2n ** 32n + 1n), isWeak: false },
		'RSA with an even exponent': { spki: rsaSpki(2048, 65_536n), isWeak: false },
		'RSA with an even modulus': { spki: rsaSpki(2048, 65_537n, 0n), isWeak: false },
		'RSA with 8200 bits': { spki: rsaSpki(8200, 65_537n), isWeak: false },
		'an Ed25519 point of order 1': { spki: smallOrder(1), isWeak: true },
		'an Ed25519 point of order 4': { spki: smallOrder(0), isWeak: true },
		secp256k1: generated(curve('secp256k1'), false),
		'P-224': generated(curve('secp224r1'), false),
		Ed448: generated(generateKeyPairSync('ed448').privateKey, false),
		X25519: generated(generateKeyPairSync('x25519').privateKey, false),
		'a point that is not on its curve': malformed((spki) =>
			Buffer.concat([spki.subarray(0, -1), Buffer.of((spki.at(-1) ?? 0) ^ 1)]),
		),
		'the point at infinity': malformed((spki) => Buffer.concat([spki.subarray(0, 27), Buffer.alloc(64)])),
		'a compressed point': malformed((spki) =>
			Buffer.concat([Buffer.of(0x30, 57), spki.subarray(2, 23), Buffer.of(0x03, 34, 0, 2), spki.subarray(27, 59)]),
		),
	};
}

/** As certificates and PEM readers write it. */
export function pemOf(label: string, der: Uint8Array): string {
	const lines = Buffer.from(der)
		.toString('base64')
		.replace(/.{64}(?=.)/g, '$&\n');
	return `-----BEGIN ${label}-----\n${lines}\n-----END ${label}-----\n`;
}
