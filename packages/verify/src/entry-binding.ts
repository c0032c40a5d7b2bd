/**
 * What binds a log entry to the signature in the bundle: the body that the log keeps must speak of this signature,
 * by this key, over this content. One checker per kind and version.
 */
import { equalBytes, fromBase64, fromUtf8, toBase64, toHex, utf8 } from '@chancery/core/bytes';
import { canonicalJson } from '@chancery/core/canonical-json';
import { preAuthEncode } from '@chancery/core/dsse';
import { FormatError } from '@chancery/core/format-error';
import { parseJson } from '@chancery/core/json';
import { parsePem } from '@chancery/core/pem';
import { digest, type HashAlgorithm, sha256 } from '@chancery/core/sha';
import { keyDetailsOf, parseSpki } from '@chancery/core/spki';
import type { BundledLogEntry, DsseEnvelope } from '@chancery/wire/bundle';
import { z } from 'zod';
import { VerifyError } from './verify-error.ts';

/** The signature as the bundle has it. */
export interface SignedContent {
	/** Over an artifact (by its digest), or over a DSSE envelope with exactly one signature. */
	readonly subject:
		| { readonly kind: 'artifact'; readonly hash: HashAlgorithm; readonly digest: Uint8Array }
		| { readonly kind: 'envelope'; readonly hash: HashAlgorithm; readonly envelope: DsseEnvelope };
	readonly signature: Uint8Array;
	/** Certificate or SPKI, DER. */
	readonly verifier: {
		readonly kind: 'certificate' | 'publicKey';
		readonly der: Uint8Array;
		readonly spki: Uint8Array;
	};
}

type Checker = (spec: unknown, content: SignedContent, body: Uint8Array) => void;

const HASH_NAMES: Readonly<Record<HashAlgorithm, string>> = {
	SHA2_256: 'sha256',
	SHA2_384: 'sha384',
	SHA2_512: 'sha512',
};

const CHECKERS: ReadonlyMap<string, Checker> = new Map<string, Checker>([
	['hashedrekord/0.0.1', checkHashedRekordV001],
	['hashedrekord/0.0.2', checkHashedRekordV002],
	['dsse/0.0.1', checkDsseV001],
	['dsse/0.0.2', checkDsseV002],
	['intoto/0.0.2', checkIntotoV002],
]);

const entryBody = z.looseObject({ kind: z.string(), apiVersion: z.string(), spec: z.unknown() });

/**
 * Checks that the body of `entry` speaks of `content`.
 * @throws VerifyError `log-entry-mismatch`
 */
export function checkEntryBinding(entry: BundledLogEntry, content: SignedContent): void {
	try {
		const body = entryBody.parse(parseJson(fromUtf8(entry.canonicalizedBody)));
		const claimed = `${entry.kindVersion.kind}/${entry.kindVersion.version}`;
		same('kind', claimed, `${body.kind}/${body.apiVersion}`);
		const check = CHECKERS.get(claimed);
		if (!check) throw new VerifyError('log-entry-mismatch', `entries of kind ${claimed} are not supported`);
		check(body.spec, content, entry.canonicalizedBody);
	} catch (cause) {
		if (!(cause instanceof FormatError || cause instanceof z.ZodError)) throw cause;
		throw new VerifyError('log-entry-mismatch', `the body of the log entry is malformed: ${cause.message}`, { cause });
	}
}

const hashedRekordV001 = z.looseObject({
	data: z.looseObject({ hash: z.looseObject({ algorithm: z.string(), value: z.string() }) }),
	signature: z.looseObject({ content: z.string(), publicKey: z.looseObject({ content: z.string() }) }),
});

function checkHashedRekordV001(spec: unknown, content: SignedContent): void {
	const { data, signature } = hashedRekordV001.parse(spec);
	if (content.subject.kind !== 'artifact')
		throw new VerifyError('log-entry-mismatch', 'a DSSE envelope cannot be logged as hashedrekord 0.0.1');
	same('hash algorithm', HASH_NAMES[content.subject.hash], data.hash.algorithm);
	same('digest', toHex(content.subject.digest), data.hash.value.toLowerCase());
	same('signature', toBase64(content.signature), signature.content);
	sameVerifier(content, signature.publicKey.content);
}

/** Rekor v2 entries are rebuilt from the bundle and compared byte for byte: nothing else may hide in them. */
function checkHashedRekordV002(_spec: unknown, content: SignedContent, body: Uint8Array): void {
	const { subject } = content;
	const signedDigest =
		subject.kind === 'artifact'
			? subject.digest
			: digest(subject.hash, preAuthEncode(subject.envelope.payloadType, subject.envelope.payload));
	sameBody(body, 'hashedrekord', {
		hashedRekordV002: {
			data: { algorithm: subject.hash, digest: toBase64(signedDigest) },
			signature: signatureV002(content, keyDetailsForDigest(content)),
		},
	});
}

/** Kept by logs that ran before DSSE became a hashedrekord. */
function checkDsseV002(_spec: unknown, content: SignedContent, body: Uint8Array): void {
	const envelope = envelopeOf(content);
	sameBody(body, 'dsse', {
		dsseV002: {
			payloadHash: { algorithm: 'SHA2_256', digest: toBase64(sha256(envelope.payload)) },
			signatures: [signatureV002(content, keyDetailsOf(parseSpki(content.verifier.spki)))],
		},
	});
}

const dsseV001 = z.looseObject({
	payloadHash: z.looseObject({ algorithm: z.literal('sha256'), value: z.string() }),
	signatures: z.array(z.looseObject({ signature: z.string(), verifier: z.string() })).length(1),
});

function checkDsseV001(spec: unknown, content: SignedContent): void {
	const { payloadHash, signatures } = dsseV001.parse(spec);
	same('payload hash', toHex(sha256(envelopeOf(content).payload)), payloadHash.value);
	same('signature', toBase64(content.signature), signatures[0]?.signature);
	sameVerifier(content, signatures[0]?.verifier ?? '');
}

const intotoV002 = z.looseObject({
	content: z.looseObject({
		envelope: z.looseObject({
			payloadType: z.string(),
			signatures: z.array(z.looseObject({ sig: z.string(), publicKey: z.string() })).length(1),
		}),
		payloadHash: z.looseObject({ algorithm: z.literal('sha256'), value: z.string() }),
	}),
});

function checkIntotoV002(spec: unknown, content: SignedContent): void {
	const { envelope, payloadHash } = intotoV002.parse(spec).content;
	same('payload hash', toHex(sha256(envelopeOf(content).payload)), payloadHash.value);
	same('payload type', envelopeOf(content).payloadType, envelope.payloadType);
	// The signature stands in the body as base64 of the base64 in the envelope.
	same('signature', toBase64(utf8(toBase64(content.signature))), envelope.signatures[0]?.sig);
	sameVerifier(content, envelope.signatures[0]?.publicKey ?? '');
}

function signatureV002({ signature, verifier }: SignedContent, keyDetails: string) {
	const key = { rawBytes: toBase64(verifier.der) };
	return {
		content: toBase64(signature),
		verifier: { keyDetails, ...(verifier.kind === 'certificate' ? { x509Certificate: key } : { publicKey: key }) },
	};
}

/** Over a digest, an Ed25519 key signs in its prehash form. */
function keyDetailsForDigest({ verifier }: SignedContent): string {
	const details = keyDetailsOf(parseSpki(verifier.spki));
	return details === 'PKIX_ED25519' ? 'PKIX_ED25519_PH' : details;
}

function envelopeOf({ subject }: SignedContent): DsseEnvelope {
	if (subject.kind === 'envelope') return subject.envelope;
	throw new VerifyError('log-entry-mismatch', 'the log entry is for a DSSE envelope, the bundle has none');
}

function sameBody(body: Uint8Array, kind: string, spec: object): void {
	const rebuilt = canonicalJson({ apiVersion: '0.0.2', kind, spec });
	if (!equalBytes(body, utf8(rebuilt)))
		throw new VerifyError('log-entry-mismatch', `the ${kind} entry is for another signature, key or content`);
}

/** `pem64` is base64 of PEM: a certificate (or a chain with the leaf first) or a public key. */
function sameVerifier({ verifier }: SignedContent, pem64: string): void {
	const [block] = parsePem(fromUtf8(fromBase64(pem64)));
	const label = verifier.kind === 'certificate' ? 'CERTIFICATE' : 'PUBLIC KEY';
	if (block?.label !== label || !equalBytes(block.der, verifier.der))
		throw new VerifyError('log-entry-mismatch', 'the log entry names another key or certificate');
}

function same(what: string, expected: string, found: string | undefined): void {
	if (expected !== found)
		throw new VerifyError('log-entry-mismatch', `the log entry has another ${what} than the bundle`, {
			expected,
			found: found?.slice(0, 200),
		});
}
