/**
 * Signed notes (https://c2sp.org/signed-note): a text and signatures below it, one per line.
 *
 *     This is an example message.                 text: UTF-8, ends with a line feed, no other control characters
 *                                                 one empty line
 *     — example.com/foo Uw2QOkn8srV1yJGh2VYR...   U+2014, space, key name, space, base64(key hash[4] || signature)
 *
 * The empty line that ends the text is the last one of the note. A key is known by name and by the first four bytes of
 * a hash; both only select the verifier, neither proves anything. Names are not empty and hold no white space and no `+`.
 *
 * Key hashes: SHA-256(name || 0x0A || type || key) for Ed25519 (0x01), cosignatures (0x04, 0x06) and RFC 6962 tree heads
 * (0x05, where the key is the log id); SHA-256(SPKI) for ECDSA (0x02, name and type not hashed).
 * A verifier key is written `<name>+<hex of 4 hash bytes>+<base64(type || key)>`.
 */
import { concatBytes, equalBytes, fromBase64, fromHex, fromUtf8, toBase64, toHex, utf8 } from './bytes.ts';
import { FormatError } from './format-error.ts';
import { sha256 } from './sha.ts';

const MAX_NOTE_LENGTH = 1_000_000;
const MAX_SIGNATURES = 100;
const KEY_HASH_LENGTH = 4;
const SIGNATURE_PREFIX = '\u2014 ';

/** Signature types of the note format that we know how to name keys for. */
export const NOTE_ED25519 = 0x01;
export const NOTE_ECDSA = 0x02;
export const NOTE_ED25519_COSIGNATURE = 0x04;
export const NOTE_RFC6962_TREE_HEAD = 0x05;
export const NOTE_ML_DSA_44_COSIGNATURE = 0x06;

export interface NoteSignature {
	readonly name: string;
	/** First 4 bytes of the key's hash. */
	readonly keyHash: Uint8Array;
	/** What follows the key hash; its meaning depends on the type of the key. */
	readonly signature: Uint8Array;
}

export interface NoteVerifier {
	readonly name: string;
	/** First 4 bytes of the key's hash. */
	readonly keyHash: Uint8Array;
	/** Whether this is the key's signature over the text, which ends with its line feed. */
	verify(signed: { readonly text: Uint8Array; readonly signature: Uint8Array }): boolean | Promise<boolean>;
}

export interface OpenedNote {
	readonly text: string;
	/** Signatures by the given verifiers, all of them good, at least one. */
	readonly verified: readonly NoteSignature[];
	/** Signatures by keys that nobody asked about. Nothing is known about them. */
	readonly unverified: readonly NoteSignature[];
}

export type NoteErrorReason = 'malformed' | 'no-verified-signature' | 'bad-signature' | 'ambiguous-key';

/** A note that must not be believed, and in which of four ways. */
export class NoteError extends FormatError<NoteErrorReason> {
	constructor(reason: NoteErrorReason, message: string, options?: ErrorOptions) {
		super('signed note', message, { ...options, code: reason });
	}
}

/**
 * Opens a note with the keys one trusts. Unknown keys are ignored; a bad signature by a known key refuses the whole
 * note. Throws NoteError: `malformed`, `ambiguous-key` (two verifiers with one name and hash), `bad-signature`,
 * `no-verified-signature`.
 */
export async function openNote(note: string | Uint8Array, verifiers: readonly NoteVerifier[]): Promise<OpenedNote> {
	const { text, signatures } = parseNote(note);
	const known = new Map<string, NoteVerifier>();
	for (const verifier of verifiers) {
		const key = keyLabel(verifier);
		if (known.has(key)) throw new NoteError('ambiguous-key', `two verifiers are called ${key}`);
		known.set(key, verifier);
	}
	const signedText = utf8(text);
	const verified: NoteSignature[] = [];
	const unverified: NoteSignature[] = [];
	for (const signature of signatures) {
		const verifier = known.get(keyLabel(signature));
		if (!verifier) unverified.push(signature);
		else if (await verifier.verify({ text: signedText, signature: signature.signature })) verified.push(signature);
		else throw new NoteError('bad-signature', `the signature of ${signature.name} is wrong`);
	}
	if (verified.length === 0) throw new NoteError('no-verified-signature', 'no known key has signed');
	return { text, verified, unverified };
}

/** Takes a note apart without believing it. Throws NoteError with the reason `malformed`. */
export function parseNote(note: string | Uint8Array): { text: string; signatures: NoteSignature[] } {
	if (note.length > MAX_NOTE_LENGTH) throw malformed('longer than a million bytes');
	const whole = typeof note === 'string' ? note : decodeNote(note);
	// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
	if (/[\u0000-\u0009\u000b-\u001f]/.test(whole) || !whole.isWellFormed()) throw malformed('control characters');
	const split = whole.lastIndexOf('\n\n');
	if (split === -1 || !whole.endsWith('\n')) throw malformed('no empty line before the signatures');
	const lines = whole.slice(split + 2, -1).split('\n');
	if (lines.length > MAX_SIGNATURES) throw malformed('more than 100 signatures');
	return { text: whole.slice(0, split + 1), signatures: lines.map(parseSignatureLine) };
}

/** Writes a note. Throws NoteError when text or names could not be read back. */
export function formatNote(text: string, signatures: readonly NoteSignature[]): string {
	if (!text.endsWith('\n')) throw malformed('the text does not end with a line feed');
	const note = `${text}\n${signatures.map(formatSignatureLine).join('')}`;
	// Whoever writes a note that readers refuse has published nothing, so the writer reads its own note.
	if (parseNote(note).text !== text) throw malformed('the text holds the end of a note');
	return note;
}

/** One signature line with its line feed, as witnesses answer it. Throws NoteError for an impossible name. */
export function formatSignatureLine({ name, keyHash, signature }: NoteSignature): string {
	assertName(name);
	if (keyHash.length !== KEY_HASH_LENGTH) throw malformed('a key hash does not have 4 bytes');
	return `${SIGNATURE_PREFIX}${name} ${toBase64(concatBytes(keyHash, signature))}\n`;
}

/** Reads one signature line, without its line feed. Throws NoteError. */
export function parseSignatureLine(line: string): NoteSignature {
	const [name = '', base64 = '', ...rest] = line.slice(SIGNATURE_PREFIX.length).split(' ');
	if (!line.startsWith(SIGNATURE_PREFIX) || rest.length > 0) throw malformed('a signature line is not — name base64');
	assertName(name);
	let bytes: Uint8Array;
	try {
		bytes = fromBase64(base64);
	} catch (cause) {
		throw new NoteError('malformed', 'a signature is not base64', { cause });
	}
	if (bytes.length <= KEY_HASH_LENGTH) throw malformed('a signature is empty');
	return { name, keyHash: bytes.subarray(0, KEY_HASH_LENGTH), signature: bytes.subarray(KEY_HASH_LENGTH) };
}

/** Full hash of a key: SHA-256(name || 0x0A || type || key), 32 bytes, of which a note carries the first 4. */
export function noteKeyHash(name: string, type: number, key: Uint8Array): Uint8Array {
	return sha256(concatBytes(utf8(`${name}\n`), Uint8Array.of(type), key));
}

/** Full hash of an Ed25519 key (32 raw bytes); also the log id of a Rekor v2 log. */
export function ed25519KeyHash(name: string, publicKey: Uint8Array): Uint8Array {
	return noteKeyHash(name, NOTE_ED25519, publicKey);
}

/** Full hash of an ECDSA key: SHA-256 of its SubjectPublicKeyInfo; also the log id of a Rekor v1 or CT log. */
export function ecdsaKeyHash(spki: Uint8Array): Uint8Array {
	return sha256(spki);
}

export interface VerifierKey {
	readonly name: string;
	/** First 4 bytes of the key's hash. */
	readonly keyHash: Uint8Array;
	readonly type: number;
	/** Raw key of an Ed25519 type, SPKI of an ECDSA or RFC 6962 one. */
	readonly key: Uint8Array;
}

/** Reads a verifier key and checks that its hash belongs to it. Throws NoteError with the reason `malformed`. */
export function parseVerifierKey(vkey: string): VerifierKey {
	const match = /^([^+]{1,1024})\+([0-9a-f]{8})\+([A-Za-z0-9+/=]{1,4096})$/.exec(vkey);
	if (!match) throw malformed('a verifier key is not name+hash+key');
	const [, name = '', hash = '', base64 = ''] = match;
	assertName(name);
	let bytes: Uint8Array;
	try {
		bytes = fromBase64(base64);
	} catch (cause) {
		throw new NoteError('malformed', 'a verifier key is not base64', { cause });
	}
	const type = bytes[0];
	if (type === undefined || bytes.length < 2) throw malformed('a verifier key is empty');
	const key = bytes.subarray(1);
	if (type === NOTE_ED25519 && key.length !== 32) throw malformed('an Ed25519 key does not have 32 bytes');
	const keyHash = fromHex(hash);
	if (!equalBytes(keyHash, verifierKeyHash(name, type, key))) throw malformed('the hash is not that of the key');
	return { name, keyHash, type, key };
}

/** Writes a verifier key. Throws NoteError for an impossible name. */
export function formatVerifierKey({ name, type, key }: { name: string; type: number; key: Uint8Array }): string {
	assertName(name);
	const hash = toHex(verifierKeyHash(name, type, key));
	return `${name}+${hash}+${toBase64(concatBytes(Uint8Array.of(type), key))}`;
}

function verifierKeyHash(name: string, type: number, key: Uint8Array): Uint8Array {
	if (type === NOTE_ECDSA) return ecdsaKeyHash(key).subarray(0, KEY_HASH_LENGTH);
	const hashed = type === NOTE_RFC6962_TREE_HEAD ? sha256(key) : key;
	return noteKeyHash(name, type, hashed).subarray(0, KEY_HASH_LENGTH);
}

function decodeNote(note: Uint8Array): string {
	try {
		return fromUtf8(note);
	} catch (cause) {
		throw new NoteError('malformed', 'not UTF-8', { cause });
	}
}

function assertName(name: string): void {
	if (name === '' || /[\s+]/u.test(name)) throw malformed('a key name is empty or holds white space or +');
}

function keyLabel(key: { name: string; keyHash: Uint8Array }): string {
	return `${key.name}+${toHex(key.keyHash)}`;
}

function malformed(message: string): NoteError {
	return new NoteError('malformed', message);
}
