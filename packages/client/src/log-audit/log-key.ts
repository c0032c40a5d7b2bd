/**
 * The key that an audit trusts, and the checkpoint that it signed. A verifier key names the log. A plain public key (PEM)
 * verifies any of the three forms of signature in a checkpoint:
 *
 *     Ed25519 (type 1), ECDSA (type 2)       over the text: https://c2sp.org/signed-note
 *     RFC 6962 tree head (type 5)            time and DigitallySigned structure: https://c2sp.org/static-ct-api
 */
import { equalBytes, fromUtf8 } from '@chancery/core/bytes';
import { type Checkpoint, parseCheckpoint } from '@chancery/core/checkpoint';
import { CT_HASH_SHA256, parseDigitallySigned, treeHeadSignedData } from '@chancery/core/ct';
import { FormatError } from '@chancery/core/format-error';
import {
	ecdsaKeyHash,
	ed25519KeyHash,
	NOTE_ECDSA,
	NOTE_ED25519,
	NOTE_RFC6962_TREE_HEAD,
	type NoteVerifier,
	noteKeyHash,
	openNote,
	parseNote,
	parseVerifierKey,
} from '@chancery/core/note';
import { parsePem } from '@chancery/core/pem';
import { sha256 } from '@chancery/core/sha';
import { ed25519Spki, parseSpki } from '@chancery/core/spki';
import { verifySignature } from '@chancery/keys/verify-signature';

export interface LogKey {
	/** DER of the SubjectPublicKeyInfo. */
	readonly spki: Uint8Array;
	/** From a verifier key: the name of the signer and the signature type. */
	readonly named: { readonly name: string; readonly type: number } | undefined;
}

export interface SignedCheckpoint extends Checkpoint {
	/** Whether the log writes its bundles in the format of static-ct-api. */
	readonly isStaticCt: boolean;
	/** Unix milliseconds, from a signed tree head. */
	readonly timestampMs: number | undefined;
}

/** Reads a verifier key (`name+hash+key`) or a public key in PEM. Throws FormatError. */
export function parseLogKey(text: string): LogKey {
	const trimmed = text.trim();
	if (trimmed.startsWith('-----BEGIN')) {
		const [block, ...others] = parsePem(trimmed);
		if (block?.label !== 'PUBLIC KEY' || others.length > 0)
			throw new FormatError('log key', 'the PEM file does not hold one PUBLIC KEY');
		parseSpki(block.der);
		return { spki: block.der, named: undefined };
	}
	const { name, type, key } = parseVerifierKey(trimmed);
	if (type !== NOTE_ED25519 && type !== NOTE_ECDSA && type !== NOTE_RFC6962_TREE_HEAD)
		throw new FormatError('log key', `a log does not sign with keys of type ${type}`);
	const spki = type === NOTE_ED25519 ? ed25519Spki(key) : key;
	parseSpki(spki);
	return { spki, named: { name, type } };
}

/**
 * Opens a checkpoint. Throws FormatError (NoteError) when it is malformed or not signed by the key, or has another origin
 * than expected: `origin`, else the name of a verifier key, else none in particular.
 */
export async function openCheckpoint(
	note: Uint8Array,
	key: LogKey,
	origin: string | undefined,
): Promise<SignedCheckpoint> {
	const { signatures } = parseNote(note);
	// The note contains the names. Its key hash says which lines are by the key, and the signature proves it.
	const names = key.named ? [key.named.name] : [...new Set(signatures.map((signature) => signature.name))];
	const types = key.named ? [key.named.type] : typesOf(key.spki);
	const verifiers = names.flatMap((name) => types.map((type) => verifierOf(key.spki, name, type)));
	const { text, verified } = await openNote(note, verifiers);
	const checkpoint = parseCheckpoint(text);
	const expected = origin ?? key.named?.name;
	if (expected !== undefined && checkpoint.origin !== expected)
		throw new FormatError('checkpoint', `its origin is '${checkpoint.origin}', expected was '${expected}'`);
	const treeHead = verified.find((line) =>
		verifiers.some(
			(verifier) => verifier.type === NOTE_RFC6962_TREE_HEAD && equalBytes(verifier.keyHash, line.keyHash),
		),
	);
	return {
		...checkpoint,
		isStaticCt: treeHead !== undefined,
		timestampMs: treeHead && timeOf(treeHead.signature),
	};
}

function typesOf(spki: Uint8Array): number[] {
	return parseSpki(spki).algorithm === 'ed25519' ? [NOTE_ED25519] : [NOTE_ECDSA, NOTE_RFC6962_TREE_HEAD];
}

function verifierOf(spki: Uint8Array, name: string, type: number): NoteVerifier & { readonly type: number } {
	if (type === NOTE_RFC6962_TREE_HEAD)
		return {
			name,
			type,
			keyHash: noteKeyHash(name, NOTE_RFC6962_TREE_HEAD, sha256(spki)).subarray(0, 4),
			verify: ({ text, signature }) => isSignedTreeHead({ publicKey: spki, text, line: signature }),
		};
	const { ed25519 } = parseSpki(spki);
	const keyHash = ed25519 ? ed25519KeyHash(name, ed25519) : ecdsaKeyHash(spki);
	return {
		name,
		type,
		keyHash: keyHash.subarray(0, 4),
		verify: ({ text, signature }) => verifySignature({ publicKey: spki, message: text, signature }),
	};
}

/** A signed tree head covers the numbers, not the text: both must be of the same checkpoint. */
function isSignedTreeHead({
	publicKey,
	text,
	line,
}: Readonly<Record<'publicKey' | 'text' | 'line', Uint8Array>>): boolean {
	try {
		const { size, root } = parseCheckpoint(fromUtf8(text));
		const { hashAlgorithm, signature } = parseDigitallySigned(line.subarray(8));
		if (hashAlgorithm !== CT_HASH_SHA256) return false;
		return verifySignature({
			publicKey,
			message: treeHeadSignedData({ timestampMs: timeOf(line), size, root }),
			signature,
		});
	} catch (error) {
		if (error instanceof FormatError) return false;
		throw error;
	}
}

function timeOf(line: Uint8Array): number {
	if (line.length < 8) throw new FormatError('tree head', 'cut off inside its time');
	const time = Number(new DataView(line.buffer, line.byteOffset).getBigUint64(0));
	if (!Number.isSafeInteger(time)) throw new FormatError('tree head', 'its time is too large');
	return time;
}
