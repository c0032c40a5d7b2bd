/**
 * The one error of this package's signers. Says which key by its path or by the part of its URI that holds no secret,
 * never what is in it.
 */
import { ChanceryError } from '@chancery/core/chancery-error';

export type KeyErrorCode =
	/** No scheme of ours, or a URI that does not parse. */
	| 'bad-uri'
	| 'not-found'
	/** There is a file already; keys are never overwritten. */
	| 'exists'
	/** Others could read the file, or we cannot. */
	| 'permissions'
	/** Not a private key, or not in a form that is read here. */
	| 'malformed'
	| 'unsupported-algorithm'
	/** The key is encrypted and no passphrase was given. */
	| 'passphrase-missing'
	| 'passphrase-wrong'
	/** A passphrase was given, or demanded, and the file is in the clear. */
	| 'not-encrypted'
	| 'io'
	/** A passphrase for a key in a token, or a PIN for a key file. */
	| 'secret-misplaced'
	/** What speaks PKCS#11 is not compiled on this machine. */
	| 'binding-missing'
	/** No file at the path of the PKCS#11 module. */
	| 'module-missing'
	/** Not a PKCS#11 module, or one that fails or ends while it is opened. */
	| 'module-failed'
	| 'token-missing'
	/** More than one token, or more than one key, is what the URI names. */
	| 'ambiguous'
	| 'pin-missing'
	/** One login was tried and none will follow: tokens lock themselves. */
	| 'pin-wrong'
	| 'pin-locked'
	/** The token holds neither a public key nor a certificate for the private key. */
	| 'public-key-missing'
	/** The private key does not sign for the public one beside it (in a token, in a file), or for the one that it had before. */
	| 'key-mismatch'
	/** What we verify with gave a wrong answer to a known question. */
	| 'self-test-failed'
	| 'sign-failed';

export class KeyError extends ChanceryError<KeyErrorCode> {
	constructor(code: KeyErrorCode, message: string, options?: ErrorOptions) {
		super(code, message, options);
	}
}
