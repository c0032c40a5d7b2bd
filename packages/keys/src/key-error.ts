/**
 * The one error of this package's signers. Says which key by its URI or path, never what is in it.
 */

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
	/** What we verify with gave a wrong answer to a known question. */
	| 'self-test-failed'
	| 'sign-failed';

export class KeyError extends Error {
	override readonly name = 'KeyError';
	readonly code: KeyErrorCode;

	constructor(code: KeyErrorCode, message: string, options?: ErrorOptions) {
		super(message, options);
		this.code = code;
	}
}
