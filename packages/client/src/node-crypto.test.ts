/**
 * Key, message and signature are bytes, and a swap of two of them would be a refusal without a reason, or worse. So the
 * primitives take them by their names: the compiler refuses every other call.
 */
import type { NoteVerifier } from '@chancery/core/note';
import type { CheckedKey } from '@chancery/keys/checks/signature-check';
import type { CheckSignature } from '@chancery/keys/checks/signature-checks';
import { verifyDigest } from '@chancery/keys/digest/verify-digest';
import { generateSigner } from '@chancery/keys/file/generate';
import { verifySignature } from '@chancery/keys/verify-signature';
import { expect, it } from 'vitest';
import { nodeCrypto } from './node-crypto.ts';

interface Primitives {
	readonly publicKey: Uint8Array;
	readonly message: Uint8Array;
	readonly signature: Uint8Array;
	readonly noteVerifier: NoteVerifier;
	readonly checkedKey: CheckedKey;
	readonly check: CheckSignature;
}

/** Compiled and never run: each call must stay one that does not compile. */
export function refusedByTheCompiler(given: Primitives): unknown[] {
	const { publicKey, message, signature, noteVerifier, checkedKey, check } = given;
	const hash = 'SHA2_256';
	return [
		// @ts-expect-error the arguments have names
		verifySignature(publicKey, message, signature),
		// @ts-expect-error the arguments have names
		verifySignature(message, publicKey, signature, hash),
		// @ts-expect-error nothing is left out
		verifySignature({ publicKey, signature }),
		// @ts-expect-error a digest is no message
		verifySignature({ publicKey, digest: message, signature }),
		// @ts-expect-error the arguments have names
		verifyDigest(publicKey, hash, message, signature),
		// @ts-expect-error a message is no digest
		verifyDigest({ publicKey, hash, message, signature }),
		// @ts-expect-error what a digest was made with is always said
		verifyDigest({ publicKey, digest: message, signature }),
		// @ts-expect-error the arguments have names
		nodeCrypto.verify(publicKey, message, signature, hash),
		// @ts-expect-error a digest is no message
		nodeCrypto.verify({ publicKey, digest: message, signature, hash }),
		// @ts-expect-error the arguments have names
		nodeCrypto.verifyDigest(publicKey, hash, message, signature),
		// @ts-expect-error the arguments have names
		noteVerifier.verify(message, signature),
		// @ts-expect-error a note has a text
		noteVerifier.verify({ message, signature }),
		// @ts-expect-error the arguments have names
		check(checkedKey, signature, hash, message),
		// @ts-expect-error what is signed is a message or a digest, and says which
		check({ key: checkedKey, signature, hash, over: message }),
	];
}

it('the primitives of a server verify what is named, and nothing under swapped names', async () => {
	const { publicKey, ...signer } = generateSigner('ecdsa-sha2-256-nistp256');
	const message = new TextEncoder().encode('message');
	const signature = await signer.sign(message);
	const hash = 'SHA2_256';
	expect(nodeCrypto.verify({ publicKey, message, signature, hash })).toBe(true);
	expect(nodeCrypto.verify({ publicKey: message, message: publicKey, signature, hash })).toBe(false);
	expect(nodeCrypto.verify({ publicKey, message: signature, signature: message, hash })).toBe(false);
});
