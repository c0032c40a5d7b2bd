/**
 * hashedrekord 0.0.1: a signature over the digest of an artifact that the log never sees.
 *
 *     {"apiVersion":"0.0.1","kind":"hashedrekord","spec":{"data":{"hash":{"algorithm":"sha256","value":"<hex>"}},
 *      "signature":{"content":"<base64>","publicKey":{"content":"<base64 of PEM>"}}}}
 *
 * Clients rebuild this text from their own bundle and compare, so it is the request in canonical JSON and nothing more.
 */
import { HASHES, hashWithName } from '@chancery/core/algorithms';
import { fromHex, toBase64, toHex } from '@chancery/core/bytes';
import { digestLength } from '@chancery/core/sha';
import { z } from 'zod';
import { canonicalEntry, entryKindV1 } from '../entries/entry-kind.ts';
import { invalidEntry, signatureMismatch } from '../entries/entry-refusal.ts';
import { readPemVerifier } from '../entries/pem-verifier.ts';
import { base64Part } from '../entries/proposal.ts';
import { hashTerm, signatureTerm, verifierTerms } from '../entries/search-terms.ts';
import { artifactOf, requireSame, requireVerifier } from '../entries/signed-content.ts';
import { algorithmOfKey } from '../entries/signing-algorithms.ts';

const NAME = { kind: 'hashedrekord', version: '0.0.1' } as const;

/** A signature over a digest, and base64 of the PEM that verifies it. */
const proposedSpec = z.object({
	data: z.object({
		hash: z.object({ algorithm: z.enum(['sha256', 'sha384', 'sha512']), value: z.string().max(128) }),
	}),
	signature: z.object({
		content: z.string().min(1),
		publicKey: z.object({ content: z.string().min(1) }),
	}),
});

/** The same as other logs may have kept it. */
const storedSpec = z.looseObject({
	data: z.looseObject({ hash: z.looseObject({ algorithm: z.string(), value: z.string() }) }),
	signature: z.looseObject({ content: z.string(), publicKey: z.looseObject({ content: z.string() }) }),
});

export const hashedrekordV001 = entryKindV1({
	...NAME,
	proposal: {
		schema: proposedSpec,
		async admit(spec, checkSignature) {
			const { algorithm, value } = spec.data.hash;
			const hash = hashWithName(algorithm);
			// Upper case would be a second leaf for one signature, and no client writes it.
			if (!/^[0-9a-f]*$/.test(value) || value.length !== 2 * digestLength(hash))
				throw invalidEntry(`the value of a ${algorithm} hash is ${2 * digestLength(hash)} lower-case hex digits`);
			const signature = base64Part('signature.content', spec.signature.content);
			const pem = spec.signature.publicKey.content;
			const { key, canonicalPem } = await readPemVerifier('signature.publicKey.content', pem, checkSignature);

			const expected = algorithmOfKey(key.info);
			if (expected.hash !== hash)
				throw invalidEntry(`the key signs as ${expected.keyDetails}, and the hash is ${algorithm}`);
			if (!(await checkSignature({ key, signature, hash, over: { digest: fromHex(value) } })))
				throw signatureMismatch('verifying signature: the signature does not verify over the hash with the public key');

			const stored = {
				data: { hash: { algorithm, value } },
				signature: { content: toBase64(signature), publicKey: { content: toBase64(canonicalPem) } },
			};
			return canonicalEntry(NAME, stored, [
				...verifierTerms(key, canonicalPem),
				hashTerm(algorithm, value),
				signatureTerm(signature),
			]);
		},
	},
	checkBinding({ spec }, content) {
		const { data, signature } = storedSpec.parse(spec);
		const artifact = artifactOf(content, 'hashedrekord 0.0.1');
		requireSame('hash algorithm', HASHES[artifact.hash].name, data.hash.algorithm);
		requireSame('digest', toHex(artifact.digest), data.hash.value.toLowerCase());
		requireSame('signature', toBase64(content.signature), signature.content);
		requireVerifier(content, signature.publicKey.content);
	},
});
