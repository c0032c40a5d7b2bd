/**
 * The public half of a key in a token, as SubjectPublicKeyInfo, and its signatures, as the rest of Chancery writes them.
 */
import { CURVES } from '@chancery/core/algorithms';
import { parseCertificate } from '@chancery/core/certificate';
import { derInteger, derSequence } from '@chancery/core/der';
import { FormatError } from '@chancery/core/format-error';
import { ecSpki, ed25519Spki } from '@chancery/core/spki';
import type { FoundPublicKey, Pkcs11Algorithm } from './pkcs11-messages.ts';

/** Bytes of each half of a signature, and of the bare point. */
function sizesOf(algorithm: Pkcs11Algorithm): { half: number; point: number } {
	if (algorithm === 'Ed25519') return { half: 32, point: 32 };
	const { bytes } = CURVES[algorithm];
	return { half: bytes, point: 1 + 2 * bytes };
}

/**
 * DER of the SubjectPublicKeyInfo.
 * @throws {FormatError} for a point of another curve, or a certificate that cannot be read
 */
export function spkiOfFound(algorithm: Pkcs11Algorithm, found: FoundPublicKey): Uint8Array {
	if (found.from === 'certificate') return parseCertificate(found.der).publicKey;
	const point = barePoint(algorithm, found.point);
	return algorithm === 'Ed25519' ? ed25519Spki(point) : ecSpki(algorithm, point);
}

/**
 * PKCS#11 wants the point inside of a DER OCTET STRING (version 3.0, section 6.3.3), and modules differ. The length alone
 * tells: a bare point of P-256 may begin like a string of its own length.
 */
function barePoint(algorithm: Pkcs11Algorithm, value: Uint8Array): Uint8Array {
	const { point } = sizesOf(algorithm);
	if (value.length === point) return value;
	if (value.length === point + 2 && value[0] === 0x04 && value[1] === point) return value.subarray(2);
	throw new FormatError('CKA_EC_POINT', `not a point of ${algorithm}`);
}

/**
 * What a signer answers: ECDSA's r and s (PKCS#11 section 6.3.1: both as long as the order) become `Ecdsa-Sig-Value`.
 * @throws {FormatError} for another length
 */
export function signatureOfModule(algorithm: Pkcs11Algorithm, raw: Uint8Array): Uint8Array {
	const { half } = sizesOf(algorithm);
	if (raw.length !== 2 * half) throw new FormatError('signature', `${raw.length} bytes for ${algorithm}`);
	if (algorithm === 'Ed25519') return raw;
	return derSequence(derInteger(raw.subarray(0, half)), derInteger(raw.subarray(half)));
}
