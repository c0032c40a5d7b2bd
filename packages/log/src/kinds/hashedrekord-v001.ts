/**
 * hashedrekord 0.0.1: a signature over the digest of an artifact that the log never sees.
 *
 *     {"apiVersion":"0.0.1","kind":"hashedrekord","spec":{"data":{"hash":{"algorithm":"sha256","value":"<hex>"}},
 *      "signature":{"content":"<base64>","publicKey":{"content":"<base64 of PEM>"}}}}
 *
 * Clients rebuild this text from their own bundle and compare, so it is the request in canonical JSON and nothing more.
 */
import { fromHex, toBase64, utf8 } from '@chancery/core/bytes';
import { canonicalJson } from '@chancery/core/canonical-json';
import { digestLength, type HashAlgorithm } from '@chancery/core/sha';
import { hashedrekordV001Spec } from '@chancery/wire/rekor-v1';
import { distinctTerms, hashTerm, signatureTerm, verifierTerms } from '../domain/search-terms.ts';
import { algorithmOfKey } from '../domain/signing-algorithms.ts';
import type { EntryKind } from './entry-kind.ts';
import { readPemVerifier } from './pem-verifier.ts';
import { base64Part, invalidEntry, parsePart, signatureMismatch } from './proposal.ts';

const KIND = 'hashedrekord';
const VERSION = '0.0.1';

const HASHES = { sha256: 'SHA2_256', sha384: 'SHA2_384', sha512: 'SHA2_512' } as const satisfies Record<
	string,
	HashAlgorithm
>;

export const hashedrekordV001: EntryKind<unknown> = {
	kind: KIND,
	version: VERSION,
	async admit(proposal, checkSignature) {
		const spec = parsePart(hashedrekordV001Spec, proposal);
		const { algorithm, value } = spec.data.hash;
		const hash = HASHES[algorithm];
		// Upper case would be a second leaf for one signature, and no client writes it.
		if (!/^[0-9a-f]*$/.test(value) || value.length !== 2 * digestLength(hash))
			throw invalidEntry(`the value of a ${algorithm} hash is ${2 * digestLength(hash)} lower-case hex digits`);
		const signature = base64Part('signature.content', spec.signature.content);
		const pem = spec.signature.publicKey.content;
		const { key, canonicalPem } = await readPemVerifier('signature.publicKey.content', pem, checkSignature);

		const expected = algorithmOfKey(key.info);
		if (expected.hash !== hash) throw invalidEntry(`the key signs as ${expected.name}, and the hash is ${algorithm}`);
		if (!(await checkSignature({ key, signature, hash, over: { digest: fromHex(value) } })))
			throw signatureMismatch('verifying signature: the signature does not verify over the hash with the public key');

		const canonical = {
			apiVersion: VERSION,
			kind: KIND,
			spec: {
				data: { hash: { algorithm, value } },
				signature: { content: toBase64(signature), publicKey: { content: toBase64(canonicalPem) } },
			},
		};
		return {
			kind: KIND,
			version: VERSION,
			leaf: utf8(canonicalJson(canonical)),
			searchTerms: distinctTerms([
				...verifierTerms(key, canonicalPem),
				hashTerm(algorithm, value),
				signatureTerm(signature),
			]),
		};
	},
};
