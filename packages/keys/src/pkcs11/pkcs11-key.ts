/**
 * Private keys in tokens: hardware security modules, smart cards, SoftHSM, through PKCS#11.
 *
 * The key never leaves its token. The module runs in a process of its own (`pkcs11-process` says why), which is started
 * anew when it fails: once per failure, and never again after a refused PIN.
 */
import { randomBytes } from 'node:crypto';
import { REGISTRY } from '@chancery/core/algorithm-registry';
import { equalBytes } from '@chancery/core/bytes';
import { FormatError } from '@chancery/core/format-error';
import { digest } from '@chancery/core/sha';
import { KeyError } from '../key-error.ts';
import type { KeyAlgorithm, Signer } from '../signer.ts';
import { verifySignature } from '../verify-signature.ts';
import { Pkcs11Child, type Pkcs11Limits } from './pkcs11-child.ts';
import type { Pkcs11Algorithm } from './pkcs11-messages.ts';
import { signatureOfModule, spkiOfFound } from './pkcs11-public-key.ts';
import { type Pkcs11Uri, parsePkcs11Uri } from './pkcs11-uri.ts';

const LIMITS: Pkcs11Limits = { sessions: 4, openWithinMs: 30_000, signWithinMs: 10_000 };
/** Beyond this a token is slower than what is asked of it, and waiting helps nobody. */
const MAX_WAITING = 1_000;
/** After a failed attempt to open the token again; in between, every signature fails at once. */
const REOPEN_EVERY_MS = 1_000;
const MAX_PIN_BYTES = 255;
/** What a token says of the message and not of itself: it is as usable as before. */
const OF_THE_MESSAGE = new Set(['CKR_ARGUMENTS_BAD', 'CKR_DATA_INVALID', 'CKR_DATA_LEN_RANGE']);

const ALGORITHMS: Readonly<Record<Pkcs11Algorithm, KeyAlgorithm>> = {
	'P-256': 'ecdsa-sha2-256-nistp256',
	'P-384': 'ecdsa-sha2-384-nistp384',
	Ed25519: 'ed25519',
};

/** What the module gets: CKM_ECDSA signs a digest, CKM_EDDSA hashes by itself. */
function prepared(algorithm: Pkcs11Algorithm, message: Uint8Array): Uint8Array {
	return algorithm === 'Ed25519' ? message : digest(REGISTRY[ALGORITHMS[algorithm]].hash, message);
}

/** A module with an open key that has proved which public key is its own. */
interface OpenToken {
	readonly child: Pkcs11Child;
	readonly publicKey: Uint8Array;
}

/**
 * Opens the key that a PKCS#11 URI names. One login is tried, and the key has to sign once: what it signs must verify
 * with the public key, or the certificate, that the token keeps beside it.
 * @throws {KeyError} `bad-uri`, `binding-missing`, `module-missing`, `module-failed`, `token-missing`, `ambiguous`,
 * `not-found`, `pin-missing`, `pin-wrong`, `pin-locked`, `unsupported-algorithm`, `public-key-missing`, `key-mismatch`,
 * `sign-failed`; none repeats the PIN or the query of the URI
 */
export async function openPkcs11Key(
	uri: string,
	secrets: { readonly pin?: string } = {},
	limits: Pkcs11Limits = LIMITS,
): Promise<Signer> {
	const parsed = parsePkcs11Uri(uri);
	const { pin } = secrets;
	// A NUL would cut the PIN short on its way into the module, silently.
	if (pin !== undefined && (pin === '' || pin.includes('\0') || Buffer.byteLength(pin) > MAX_PIN_BYTES))
		throw new KeyError('pin-missing', `${parsed.name}: the PIN is empty, too long, or holds a NUL`);
	const open = () => openToken(parsed, pin, limits);
	const first = await open();
	const token = new ReopeningToken(parsed, first, open);
	const { algorithm } = first.child.opened;
	return {
		algorithm: ALGORITHMS[algorithm],
		publicKey: first.publicKey,
		sign: (message) => token.sign(prepared(algorithm, message)),
	};
}

async function openToken(uri: Pkcs11Uri, pin: string | undefined, limits: Pkcs11Limits): Promise<OpenToken> {
	const child = await Pkcs11Child.open(uri, pin, limits);
	try {
		return { child, publicKey: await provenPublicKey(uri, child) };
	} catch (error) {
		child.end('the key is not usable');
		throw error;
	}
}

/** The public key that verifies what the private one signs, among those that the token keeps under the same name. */
async function provenPublicKey(uri: Pkcs11Uri, child: Pkcs11Child): Promise<Uint8Array> {
	const { algorithm, publicKeys } = child.opened;
	if (publicKeys.length === 0)
		throw new KeyError(
			'public-key-missing',
			`${uri.name}: the token keeps neither a public key nor a certificate under the id (or label) of this private key; write one beside it`,
		);
	const challenge = new Uint8Array(randomBytes(32));
	const signature = await signOnce(child, prepared(algorithm, challenge)).catch((cause: Error) => {
		throw new KeyError('sign-failed', `${uri.name}: the key did not sign (${cause.message})`);
	});
	for (const found of publicKeys) {
		try {
			const publicKey = spkiOfFound(algorithm, found);
			if (verifySignature({ publicKey, message: challenge, signature })) return publicKey;
		} catch (error) {
			if (!(error instanceof FormatError)) throw error;
		}
	}
	throw new KeyError(
		'key-mismatch',
		`${uri.name}: the private key does not sign for any public key or certificate that the token keeps beside it`,
	);
}

/** @throws {Error} whose message is the reason */
async function signOnce(child: Pkcs11Child, data: Uint8Array): Promise<Uint8Array> {
	const raw = await child.sign(data);
	try {
		return signatureOfModule(child.opened.algorithm, raw);
	} catch {
		throw new Error('the token answered something that is no signature');
	}
}

/** Signs, at most as many at a time as there are sessions, and opens the token again when a signature fails. */
class ReopeningToken {
	readonly #uri: Pkcs11Uri;
	readonly #publicKey: Uint8Array;
	readonly #open: () => Promise<OpenToken>;
	#child: Pkcs11Child;
	/** Shared by all signatures that failed with the same child. */
	#reopening: Promise<void> | undefined;
	#refusal: { readonly error: KeyError; readonly atMs: number } | undefined;
	#running = 0;
	readonly #queue: (() => void)[] = [];

	constructor(uri: Pkcs11Uri, first: OpenToken, open: () => Promise<OpenToken>) {
		this.#uri = uri;
		this.#child = first.child;
		this.#publicKey = first.publicKey;
		this.#open = open;
	}

	/** @throws {KeyError} `sign-failed`, or what opening the token again says */
	async sign(data: Uint8Array): Promise<Uint8Array> {
		if (this.#queue.length >= MAX_WAITING)
			throw new KeyError('sign-failed', `${this.#uri.name}: more than ${MAX_WAITING} signatures wait for the token`);
		// Twice the sessions, so that the next one lies ready when a session becomes free.
		if (this.#running >= 2 * this.#child.opened.sessions) await new Promise<void>((go) => this.#queue.push(go));
		else this.#running++;
		try {
			return await this.#signOrReopen(data);
		} finally {
			// Its place goes to the next in the queue.
			const next = this.#queue.shift();
			if (next) next();
			else this.#running--;
		}
	}

	async #signOrReopen(data: Uint8Array): Promise<Uint8Array> {
		const child = this.#child;
		try {
			return await signOnce(child, data);
		} catch (cause) {
			const reason = (cause as Error).message;
			if (OF_THE_MESSAGE.has(reason))
				throw new KeyError('sign-failed', `${this.#uri.name}: the token does not sign this message (${reason})`);
			await this.#reopen(child, reason);
			return signOnce(this.#child, data).catch((again: Error) => {
				throw new KeyError(
					'sign-failed',
					`${this.#uri.name}: the key did not sign (${reason}), nor after the token was opened again (${again.message})`,
				);
			});
		}
	}

	/** Puts another child in the place of `failed`. One process, one login, for all who wait. */
	#reopen(failed: Pkcs11Child, reason: string): Promise<void> {
		if (this.#reopening) return this.#reopening;
		// Somebody else has done it already.
		if (this.#child !== failed) return Promise.resolve();
		if (this.#refusal && !isTimeToTry(this.#refusal)) return Promise.reject(this.#refusal.error);
		failed.end(reason);
		this.#reopening = this.#replace(reason).finally(() => {
			this.#reopening = undefined;
		});
		return this.#reopening;
	}

	async #replace(reason: string): Promise<void> {
		try {
			const { child, publicKey } = await this.#open();
			if (!equalBytes(publicKey, this.#publicKey)) {
				child.end('another key');
				throw new KeyError('key-mismatch', `${this.#uri.name}: the token now holds another key of this name`);
			}
			this.#child = child;
			this.#refusal = undefined;
		} catch (cause) {
			const { code, message } =
				cause instanceof KeyError ? cause : new KeyError('sign-failed', `${this.#uri.name}: ${String(cause)}`);
			const error = new KeyError(code, `${message} (opened again because a signature failed: ${reason})`);
			this.#refusal = { error, atMs: performance.now() };
			throw error;
		}
	}
}

/** A refused PIN stays refused as long as this process lives: the next try might be the one that locks the token. */
function isTimeToTry({ error, atMs }: { error: KeyError; atMs: number }): boolean {
	if (error.code === 'pin-wrong' || error.code === 'pin-locked') return false;
	return performance.now() - atMs >= REOPEN_EVERY_MS;
}
