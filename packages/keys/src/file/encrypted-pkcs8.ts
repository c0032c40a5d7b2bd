/**
 * EncryptedPrivateKeyInfo (RFC 5958 section 3) with PBES2 (RFC 8018): PBKDF2-HMAC-SHA-256 and AES-256-CBC. Written here
 * because node's own export derives the key in 2048 rounds, which is little for a key that an authority stands on.
 * Every PKCS#8 reader opens the result.
 */
import { createCipheriv, pbkdf2, randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import {
	DerReader,
	derInteger,
	derNull,
	derOctetString,
	derOid,
	derSequence,
	TAG_OCTET_STRING,
} from '@chancery/core/der';
import { FormatError } from '@chancery/core/format-error';

/** OWASP's figure for PBKDF2-HMAC-SHA-256; about a tenth of a second each time the key is opened. */
const ROUNDS = 600_000;
const KEY_BYTES = 32;
const SALT_BYTES = 16;
const IV_BYTES = 16;

const OID_PBES2 = '1.2.840.113549.1.5.13';
const OID_PBKDF2 = '1.2.840.113549.1.5.12';
const OID_HMAC_SHA256 = '1.2.840.113549.2.9';
const OID_AES256_CBC = '2.16.840.1.101.3.4.1.42';
/** RFC 7914 section 7.1. */
const OID_SCRYPT = '1.3.6.1.4.1.11591.4.11';

/** Rounds of PBKDF2, or blocks of scrypt: either takes up to a second, by hash and machine. */
const MAX_DERIVATION_STEPS = 1n << 20n;

/** Encrypts the DER of a PKCS#8 PrivateKeyInfo; the result is the DER that stands in `ENCRYPTED PRIVATE KEY`. */
export async function encryptPkcs8(pkcs8: Uint8Array, passphrase: string): Promise<Uint8Array> {
	const salt = new Uint8Array(randomBytes(SALT_BYTES));
	const iv = new Uint8Array(randomBytes(IV_BYTES));
	const key = await promisify(pbkdf2)(passphrase, salt, ROUNDS, KEY_BYTES, 'sha256');
	const cipher = createCipheriv('aes-256-cbc', key, iv);
	const encrypted = new Uint8Array(Buffer.concat([cipher.update(pkcs8), cipher.final()]));
	key.fill(0);

	const keyDerivation = derSequence(
		derOid(OID_PBKDF2),
		derSequence(derOctetString(salt), derInteger(ROUNDS), derSequence(derOid(OID_HMAC_SHA256), derNull())),
	);
	const scheme = derSequence(derOid(OID_AES256_CBC), derOctetString(iv));
	return derSequence(derSequence(derOid(OID_PBES2), derSequence(keyDerivation, scheme)), derOctetString(encrypted));
}

/**
 * Refuses an EncryptedPrivateKeyInfo that asks for hours of key derivation: one damaged byte is enough for that, and
 * OpenSSL does what it says while the whole process waits.
 * @throws {FormatError} also when it is not such a structure
 */
export function checkDerivation(encrypted: Uint8Array): void {
	const steps = derivationSteps(new DerReader(encrypted).sequence().sequence());
	if (steps < 1n || steps > MAX_DERIVATION_STEPS)
		throw new FormatError('encrypted key', `${steps} steps of key derivation; 1 to ${MAX_DERIVATION_STEPS} are opened`);
}

function derivationSteps(scheme: DerReader): bigint {
	const isPbes2 = scheme.oid() === OID_PBES2;
	const parameters = scheme.sequence();
	// PBES1 and the schemes of PKCS#12 have the parameters of PBKDF2: salt, then rounds.
	const derivation = isPbes2 ? parameters.sequence() : undefined;
	const isScrypt = derivation?.oid() === OID_SCRYPT;
	const cost = derivation?.sequence() ?? parameters;
	cost.read(TAG_OCTET_STRING);
	// Cost, block size and parallelisation multiply.
	return isScrypt ? cost.integer() * cost.integer() * cost.integer() : cost.integer();
}
