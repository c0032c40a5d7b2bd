/**
 * The key that a request brings: as PEM or DER, or inside a certification request.
 */
import { equalBytes, fromUtf8 } from '@chancery/core/bytes';
import { FormatError } from '@chancery/core/format-error';
import { parsePem } from '@chancery/core/pem';
import { ecSpki, ed25519Spki, rsaSpki } from '@chancery/core/spki';
import { type PublicKey, parsePublicKey } from '@chancery/keys/public-key';
import { type CertificationRequest, parseCertificationRequest } from './certification-request.ts';
import { refuse } from './refusal.ts';

/** What a request says about its key, however it was sent. */
export type KeyMaterial =
	| { readonly kind: 'csr'; readonly pem: Uint8Array }
	/** `encoded` is PEM or DER; `proof` is a signature over a challenge. */
	| { readonly kind: 'public-key'; readonly encoded: Uint8Array; readonly proof: Uint8Array };

export type RequestedKey = {
	/** DER of the SubjectPublicKeyInfo, as it goes into the certificate. */
	readonly spki: Uint8Array;
	readonly publicKey: PublicKey;
} & ({ readonly csr: CertificationRequest } | { readonly csr?: undefined; readonly proof: Uint8Array });

/** @throws {DomainError} `csr-malformed` or `key-malformed` */
export function readRequestedKey(material: KeyMaterial): RequestedKey {
	if (material.kind === 'public-key')
		return { ...orRefuse('key-malformed', () => readKey(spkiOf(material.encoded))), proof: material.proof };
	const csr = orRefuse('csr-malformed', () => parseCertificationRequest(material.pem));
	return { ...orRefuse('key-malformed', () => readKey(csr.publicKey)), csr };
}

function readKey(spki: Uint8Array): { spki: Uint8Array; publicKey: PublicKey } {
	// OpenSSL rejects a point that is not on its curve.
	const publicKey = parsePublicKey(spki);
	// Two readings of one key would be two keys: the certificate holds bytes on which both readers agree.
	if (!equalBytes(canonicalSpki(publicKey), spki)) throw new FormatError('public key', 'not in its canonical form');
	return { spki: new Uint8Array(spki), publicKey };
}

/** The one form of a key. Of RSA keys OpenSSL writes it; to write the others costs it as much as a signature check. */
function canonicalSpki({ info, key }: PublicKey): Uint8Array {
	switch (info.algorithm) {
		case 'ec':
			return ecSpki(info.curve, info.ecPoint);
		case 'ed25519':
			return ed25519Spki(info.ed25519);
		case 'rsa':
			return key.export({ format: 'der', type: 'spki' });
	}
}

/** SubjectPublicKeyInfo from PEM (`PUBLIC KEY`, `RSA PUBLIC KEY`) or from its own DER. */
function spkiOf(encoded: Uint8Array): Uint8Array {
	// DER begins with a SEQUENCE; PEM, with or without text around it, never begins with that byte and a length.
	if (encoded[0] === 0x30) return encoded;
	const [block, ...more] = parsePem(fromUtf8(encoded));
	if (!block || more.length > 0) throw new FormatError('public key', 'not exactly one PEM block');
	if (block.label === 'PUBLIC KEY') return block.der;
	if (block.label === 'RSA PUBLIC KEY') return rsaSpki(block.der);
	throw new FormatError('public key', 'a PEM block that is no public key');
}

function orRefuse<T>(code: 'csr-malformed' | 'key-malformed', read: () => T): T {
	try {
		return read();
	} catch (error) {
		if (!(error instanceof FormatError)) throw error;
		throw refuse(code, error.message, { cause: error });
	}
}
