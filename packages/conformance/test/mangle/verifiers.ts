/**
 * Signed things, mangled, before whoever must not believe them. What is accepted says exactly what was signed: some
 * bytes are outside of every signature (white space of JSON, members that are null, unsigned attributes).
 */

import { issuerSettings } from '@chancery/ca/tested/issuer-types';
import { checkProofOfPossession } from '@chancery/ca/tested/proof-of-possession';
import { readRequestedKey } from '@chancery/ca/tested/requested-key';
import { checkSct } from '@chancery/ca/tested/sct';
import { TOKEN_ERRORS } from '@chancery/chassis/tokens/token-errors';
import { createTokenVerifier } from '@chancery/chassis/tokens/token-verifier';
import { openTrustReport } from '@chancery/chassis/trust-report';
import { openCheckpoint } from '@chancery/client/log-audit/log-key';
import { nodeCrypto } from '@chancery/client/node-crypto';
import { equalBytes, fromBase64, toBase64, utf8 } from '@chancery/core/bytes';
import { parseCertificate } from '@chancery/core/certificate';
import { encodeDigitallySigned, parseSctList } from '@chancery/core/ct';
import { parseJson } from '@chancery/core/json';
import { parseNote } from '@chancery/core/note';
import { olpcCanonicalJson } from '@chancery/core/olpc-json';
import { parsePem } from '@chancery/core/pem';
import { issuerKeyHash, SCT_LIST_OID, tbsWithoutSct } from '@chancery/core/precertificate';
import { sha256 } from '@chancery/core/sha';
import { parseTimeStampResp } from '@chancery/core/timestamp';
import { parseChain } from '@chancery/ctlog/tested/chain';
import { completeChain } from '@chancery/ctlog/tested/complete-chain';
import { RootSet } from '@chancery/ctlog/tested/root-set';
import type { CheckSignature } from '@chancery/keys/checks/signature-checks';
import { verifyDigest } from '@chancery/keys/digest/verify-digest';
import { parsePublicKey } from '@chancery/keys/public-key';
import { verifySignature } from '@chancery/keys/verify-signature';
import { admitV1, admitV2 } from '@chancery/log/tested/enabled-kinds';
import { ROLES } from '@chancery/tuf/metadata/metadata';
import { checkThreshold, parseMetadata } from '@chancery/tuf/metadata/signed-metadata';
import { checkRoot } from '@chancery/tuf/tested/root-rules';
import { openTrustedRoot } from '@chancery/verify/trust-material';
import { type VerificationEvidence, verifyBundle } from '@chancery/verify/verify-bundle';
import { VerifyError } from '@chancery/verify/verify-error';
import { parseBundle } from '@chancery/wire/bundle';
import { addChainReply } from '@chancery/wire/ct';
import { proposedEntry } from '@chancery/wire/rekor-v1';
import { createEntryRequest } from '@chancery/wire/rekor-v2';
import {
	anyOf,
	complaint,
	domainError,
	formatError,
	type ParserUnderTest,
	parser,
	sameBytes,
	sameText,
	textOf,
	zodError,
} from './parser-under-test.ts';
import { seed, seedJson, seedsLike, seedText } from './seeds.ts';
import { NEXT_ROOT, TUF_FILES, TUF_KEY } from './tuf-repository.ts';

const trust = openTrustedRoot(seedJson('trusted_root.json'));
const artifact = { bytes: seed('artifact') };
const issuer = seedText('token issuer');
const tokenTimeMs = Number(seedText('token time'));
const [leafPem = ''] = seedJson<{ signedCertificateEmbeddedSct: { chain: { certificates: string[] } } }>(
	'/api/v2/signingCert reply',
).signedCertificateEmbeddedSct.chain.certificates;
const leaf = parseCertificate(firstBlock(leafPem));
const [issuing = leaf, root = leaf] = parsePem(seedText('root certificates')).map(({ der }) => parseCertificate(der));
const [sct] = parseSctList(leaf.extension(SCT_LIST_OID)?.value ?? new Uint8Array());
const ctKey = trust.ctlogs[0]?.publicKey ?? new Uint8Array();

const verifyError = (error: unknown) => error instanceof VerifyError;
const ENTRY_ERRORS = domainError(
	'invalid-entry',
	'entry-too-large',
	'kind-not-enabled',
	'algorithm-not-allowed',
	'signature-mismatch',
);
const tokenErrors = domainError(...Object.keys(TOKEN_ERRORS));

/** The question of both logs, without their threads. */
const checkSignature: CheckSignature = async (check) => {
	if (!('key' in check)) return false;
	const { key, signature, hash, over } = check;
	return 'message' in over
		? verifySignature({ publicKey: key.spki, message: over.message, signature, hash })
		: verifyDigest({ publicKey: key.spki, hash, digest: over.digest, signature });
};

export const VERIFIERS: readonly ParserUnderTest[] = [
	...['v2 blob', 'v1 blob', 'v2 attestation', 'v1 attestation'].map((name) => verifiedBundle(`${name} bundle`)),
	parser({
		name: 'verified timestamp',
		seeds: [timestampIn('v2 blob bundle')],
		share: 0.5,
		refusals: verifyError,
		parse: (input) => verify(withTimestamp('v2 blob bundle', input)),
		check: (evidence, input) => saysNoMore(evidence, withTimestamp('v2 blob bundle', input), 'v2 blob bundle'),
	}),
	parser({
		name: 'verified token',
		seeds: [seed('token')],
		share: 0.5,
		refusals: tokenErrors,
		parse: (input) => tokens.verify(textOf(input), '192.0.2.1'),
		// Strict base64url leaves a token one spelling.
		check: (_claims, input) => sameText(textOf(input), seedText('token')),
	}),
	...(['discovery', 'jwks'] as const).map((document) =>
		parser({
			name: `verified token with a mangled ${document}`,
			seeds: [seed(document)],
			share: 0.2,
			refusals: tokenErrors,
			parse: (input) => verifierOf({ [document]: input }).verify(seedText('token'), '192.0.2.1'),
			check: async ({ claims }) =>
				sameText(JSON.stringify(claims), JSON.stringify((await tokens.verify(seedText('token'), '192.0.2.1')).claims)),
		}),
	),
	...(
		[
			['v2 checkpoint', trust.tlogs.find(({ baseUrl }) => isEd25519(baseUrl))?.publicKey],
			['ct checkpoint', ctKey],
		] as const
	).map(([name, spki = new Uint8Array()]) => {
		const [origin = ''] = seedText(name).split('\n');
		return parser({
			name: `verified ${name}`,
			seeds: [seed(name)],
			share: 0.5,
			refusals: formatError,
			parse: (input) => openCheckpoint(input, { spki, named: undefined }, origin),
			// A tree head signs time, size and root; the text above it adds the origin, which is compared.
			check: (opened) => {
				const [, size, rootText] = seedText(name).split('\n');
				return complaint(sameText(String(opened.size), size ?? ''), sameText(toBase64(opened.root), rootText ?? ''));
			},
		});
	}),
	...ROLES.map((role) =>
		parser({
			name: `verified TUF ${role}`,
			seeds: [seed(`${role}.json`)],
			share: 0.5,
			refusals: domainError('invalid-metadata', 'threshold-not-met'),
			parse: (input) => {
				const metadata = parseMetadata(input, role);
				checkThreshold(metadata, parseMetadata(seed('root.json'), 'root').signed, role);
				return metadata.signed;
			},
			check: (signed) =>
				sameBytes(olpcCanonicalJson(signed), olpcCanonicalJson(seedJson<{ signed: object }>(`${role}.json`).signed)),
		}),
	),
	parser({
		name: 'verified TUF root with keys of its own',
		seeds: [tufFile('/1.root.json'), NEXT_ROOT],
		share: 0.5,
		refusals: domainError('invalid-metadata', 'threshold-not-met', 'unsupported-key'),
		parse: (input) => {
			const metadata = parseMetadata(input, 'root');
			checkRoot(metadata.signed, { snapshot: TUF_KEY, timestamp: TUF_KEY });
			checkThreshold(metadata, metadata.signed, 'root');
			return metadata.signed;
		},
		check: (signed) =>
			[tufFile('/1.root.json'), NEXT_ROOT].some((file) =>
				equalBytes(olpcCanonicalJson(signed), olpcCanonicalJson(signedIn(file))),
			)
				? undefined
				: 'nobody signed this root',
	}),
	parser({
		name: 'verified trust report',
		seeds: [seed('trust report')],
		share: 0.5,
		refusals: domainError('invalid-trust-report'),
		parse: (input) => openTrustReport(parseJsonOrEmpty(input)),
		check: (report) => sameText(JSON.stringify(report), JSON.stringify(openTrustReport(seedJson('trust report')))),
	}),
	parser({
		name: 'verified certification request',
		seeds: [seed('csr')],
		share: 0.5,
		refusals: domainError(
			'csr-malformed',
			'key-malformed',
			'proof-invalid',
			'csr-algorithm-unknown',
			'algorithm-not-permitted',
		),
		parse: (pem) => {
			const key = readRequestedKey({ kind: 'csr', pem });
			checkProofOfPossession(key, []);
			return key;
		},
		check: ({ csr }) =>
			sameBytes(
				csr?.info ?? new Uint8Array(),
				readRequestedKey({ kind: 'csr', pem: seed('csr') }).csr?.info ?? new Uint8Array(),
			),
	}),
	parser({
		name: 'verified SCT',
		seeds: [sctReply()],
		share: 0.5,
		refusals: anyOf(zodError, formatError, domainError('sct-invalid')),
		parse: (input) =>
			checkSct(
				addChainReply.parse(parseJson(input)),
				{ issuerKeyHash: issuerKeyHash(issuing), tbs: tbsWithoutSct(leaf), submittedAtMs: sct?.timestampMs ?? 0 },
				{ key: parsePublicKey(ctKey), logId: sha256(ctKey) },
				sct?.timestampMs ?? 0,
			),
		check: ({ extensionValue }) => sameBytes(extensionValue, leaf.extension(SCT_LIST_OID)?.value ?? new Uint8Array()),
	}),
	parser({
		name: 'chain before a CT log',
		seeds: [leaf.der],
		share: 0.5,
		// Parts of a certificate are read where they are needed; whoever submits it is told by the caller.
		refusals: anyOf(formatError, domainError('malformed-certificate', 'untrusted-chain')),
		parse: (input) => completeChain(new RootSet([root]), parseChain([input, issuing.der]), 0, checkSignature),
		check: (chain) => sameBytes(chain[0]?.tbs ?? new Uint8Array(), leaf.tbs),
	}),
	parser({
		name: 'verified v1 entry',
		seeds: seedsLike(/^v1 .*\d request$/),
		share: 0.3,
		refusals: anyOf(formatError, zodError, ENTRY_ERRORS),
		parse: (input) => admitV1(proposedEntry.parse(parseJson(input)), checkSignature),
		check: ({ leaf: body }) => isSignedBySeed(body),
	}),
	parser({
		name: 'verified v2 entry',
		seeds: seedsLike(/^v2 .*\d request$/),
		share: 0.3,
		refusals: anyOf(formatError, zodError, ENTRY_ERRORS),
		parse: (input) => admitV2(createEntryRequest.parse(parseJson(input)), checkSignature),
		check: ({ leaf: body }) => isSignedBySeed(body),
	}),
];

const usual = new Map<string, Promise<VerificationEvidence>>();

function verifiedBundle(name: string): ParserUnderTest {
	return parser({
		name: `verified ${name}`,
		seeds: [seed(name)],
		share: 0.4,
		refusals: anyOf(verifyError, formatError),
		parse: (input) => verify(parseJson(input)),
		check: (evidence, input) => saysNoMore(evidence, parseJson(input), name),
	});
}

function verify(bundle: unknown): Promise<VerificationEvidence> {
	const subject = { exactly: 'alice@example.com' };
	return verifyBundle({
		bundle,
		trust,
		artifact,
		policy: { kind: 'identities', anyOf: [{ subject, issuer: { exactly: issuer } }] },
		crypto: nodeCrypto,
	});
}

/** A bundle may lose a proof that it does not need. What is left says what it said before, and nothing else. */
async function saysNoMore(evidence: VerificationEvidence, bundle: unknown, name: string): Promise<string | undefined> {
	const known = usual.get(name) ?? verify(seedJson(name));
	usual.set(name, known);
	const { times, ...rest } = await known;
	const { times: provenTimes, ...proven } = evidence;
	const all = times.map((time) => JSON.stringify(time));
	const signed = signedParts(seedJson(name));
	return complaint(
		sameText(JSON.stringify(proven), JSON.stringify(rest)),
		!provenTimes.every((time) => all.includes(JSON.stringify(time))) && 'it proves another time',
		!signedParts(bundle).every((part) => signed.includes(part)) && 'a part of it was never signed',
	);
}

/** Everything in a bundle that is under a signature, and the signatures. */
function signedParts(value: unknown): string[] {
	const { verificationMaterial: material, messageSignature, dsseEnvelope } = parseBundle(value);
	const chain = material.x509CertificateChain?.certificates ?? [];
	const stamps = material.timestampVerificationData?.rfc3161Timestamps ?? [];
	return [
		material.certificate?.rawBytes ?? chain[0]?.rawBytes,
		messageSignature?.signature,
		messageSignature?.messageDigest?.digest,
		dsseEnvelope?.payload,
		dsseEnvelope?.payloadType,
		...(dsseEnvelope?.signatures ?? []).map(({ sig }) => sig),
		...material.tlogEntries.flatMap((entry) => [
			entry.canonicalizedBody,
			entry.inclusionPromise?.signedEntryTimestamp,
			entry.inclusionPromise && String(entry.integratedTime),
			entry.inclusionProof?.rootHash,
			...(entry.inclusionProof?.hashes ?? []),
			...checkpointParts(entry.inclusionProof?.checkpoint?.envelope),
		]),
		...stamps.flatMap(({ signedTimestamp }) => {
			const { tstInfo, signer } = parseTimeStampResp(signedTimestamp);
			return [tstInfo, signer.signedAttributes, signer.signature];
		}),
	]
		.filter((part): part is string | Uint8Array => part !== undefined && part !== '')
		.map((part) => (typeof part === 'string' ? part : toBase64(part)));
}

/** The text, and the first line under it: the log's own. Lines of strangers may follow. */
function checkpointParts(envelope: string | undefined): (string | Uint8Array)[] {
	if (envelope === undefined) return [];
	const { text, signatures } = parseNote(envelope);
	return [text, signatures.length === 1 ? (signatures[0]?.signature ?? '') : ''];
}

function timestampIn(name: string): Uint8Array {
	const { verificationMaterial } = seedJson<TimestampedBundle>(name);
	return fromBase64(verificationMaterial.timestampVerificationData.rfc3161Timestamps[0]?.signedTimestamp ?? '');
}

interface TimestampedBundle {
	verificationMaterial: { timestampVerificationData: { rfc3161Timestamps: { signedTimestamp: string }[] } };
}

function withTimestamp(name: string, der: Uint8Array): unknown {
	const bundle = seedJson<TimestampedBundle>(name);
	bundle.verificationMaterial.timestampVerificationData.rfc3161Timestamps = [{ signedTimestamp: toBase64(der) }];
	return bundle;
}

const tokens = verifierOf({});

/** A verifier for the provider of the seeds, at the moment of the token, with what it publishes or something else. */
function verifierOf(published: { discovery?: Uint8Array; jwks?: Uint8Array }) {
	return createTokenVerifier([issuerSettings.parse({ type: 'email', issuer })], {
		clock: () => tokenTimeMs,
		fetch: async (input) => {
			const name = String(input).endsWith('/openid-configuration') ? 'discovery' : 'jwks';
			return new Response(new Uint8Array(published[name] ?? seed(name)));
		},
	});
}

function isEd25519(baseUrl: string): boolean {
	return trust.tlogs.some((log) => log.baseUrl === baseUrl && log.publicKey.length === 44);
}

function tufFile(path: string): Uint8Array {
	return TUF_FILES.get(path) ?? new Uint8Array();
}

function signedIn(file: Uint8Array): unknown {
	return (parseJson(file) as { signed: unknown }).signed;
}

function sctReply(): Uint8Array {
	if (!sct) throw new Error('the certificate of the seeds has no SCT');
	const { logId, timestampMs, extensions, signature } = sct;
	const signed = encodeDigitallySigned(signature, sct.hashAlgorithm, sct.signatureAlgorithm);
	return utf8(
		JSON.stringify({
			sct_version: 0,
			id: toBase64(logId),
			timestamp: timestampMs,
			extensions: toBase64(extensions),
			signature: toBase64(signed),
		}),
	);
}

/** Digests, signatures and keys that the seeds signed with; what else an entry holds is not judged by a log. */
function isSignedBySeed(body: Uint8Array): string | undefined {
	const text = new TextDecoder().decode(body);
	const digests = /"(?:digest|value)":"([^"]+)"/.exec(text);
	const signature = /"(?:content|signature)":"([^"]+)"/.exec(text);
	const isKnown = ALL_REQUESTS.includes(signature?.[1] ?? 'none');
	return isKnown && digests ? undefined : 'nobody made this signature';
}

const ALL_REQUESTS = seedsLike(/\d request$/)
	.map((one) => new TextDecoder().decode(one))
	.join('\n');

function firstBlock(pem: string): Uint8Array {
	return parsePem(pem)[0]?.der ?? new Uint8Array();
}

function parseJsonOrEmpty(input: Uint8Array): unknown {
	try {
		return parseJson(input);
	} catch {
		return undefined;
	}
}
