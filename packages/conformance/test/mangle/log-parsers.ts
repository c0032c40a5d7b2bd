/** Notes, checkpoints, tiles, bundles of entries, and what is proposed to a log. */
import { readBundle, readDataTile } from '@chancery/client/log-audit/bundle-leaves';
import { parseLogKey } from '@chancery/client/log-audit/log-key';
import { fromHex, toHex, utf8 } from '@chancery/core/bytes';
import { formatCheckpoint, parseCheckpoint } from '@chancery/core/checkpoint';
import { encodeCosignature, parseCosignature } from '@chancery/core/cosignature';
import { parseMerkleTreeLeaf } from '@chancery/core/ct';
import { preAuthEncode } from '@chancery/core/dsse';
import { FormatError } from '@chancery/core/format-error';
import { parseJson } from '@chancery/core/json';
import { EMPTY_ROOT, hashLeaf, hashNode } from '@chancery/core/merkle';
import {
	formatNote,
	formatSignatureLine,
	formatVerifierKey,
	NOTE_ED25519,
	parseNote,
	parseSignatureLine,
	parseVerifierKey,
} from '@chancery/core/note';
import { checkConsistency, checkInclusion, ProofError } from '@chancery/core/proof';
import { encodeBundle, parseBundle, parseTilePath, tilePath } from '@chancery/core/tile';
import { admitV1, admitV2 } from '@chancery/log/tested/enabled-kinds';
import { formatEntryId, parseEntryName } from '@chancery/log/tested/entry-id';
import { encodeStaticCtTile } from '@chancery/tlog/static-ct';
import { inTotoDigests } from '@chancery/wire/entries/in-toto-digests';
import { entryUuid, logEntry, proposedEntry } from '@chancery/wire/rekor-v1';
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
import { seed, seedJson, seedsLike } from './seeds.ts';

const NOTES = seedsLike(/checkpoint$/);
const CHECKPOINTS = NOTES.map((note) => parseNote(note).text);
const LEAF = new Uint8Array(32).fill(5);
const KEY = new Uint8Array(32).fill(9);
const ENTRY_ERRORS = domainError(
	'invalid-entry',
	'entry-too-large',
	'kind-not-enabled',
	'algorithm-not-allowed',
	'signature-mismatch',
);
const proofError = (error: unknown) => error instanceof ProofError;

const [entryId = ''] = Object.keys(seedJson<object>('v1 /api/v1/log/entries 2 reply'));
const STATIC_LEAVES = seedJson<{ entries: { leaf_input: string; extra_data: string }[] }>('ct entries').entries;

export const LOG_PARSERS: readonly ParserUnderTest[] = [
	parser({
		name: 'signed note',
		seeds: NOTES,
		refusals: formatError,
		parse: parseNote,
		check: ({ text, signatures }, input) => sameBytes(utf8(formatNote(text, signatures)), input),
	}),
	parser({
		name: 'signed note as text',
		seeds: NOTES,
		refusals: formatError,
		parse: (input) => parseNote(textOf(input)),
		check: ({ text, signatures }, input) => sameText(formatNote(text, signatures), textOf(input)),
	}),
	parser({
		name: 'line of a signature',
		seeds: NOTES.map((note) => new TextDecoder().decode(note).trimEnd().split('\n').at(-1) ?? ''),
		refusals: formatError,
		parse: (input) => parseSignatureLine(textOf(input)),
		check: (signature, input) => sameText(formatSignatureLine(signature), `${textOf(input)}\n`),
	}),
	parser({
		name: 'verifier key',
		seeds: [formatVerifierKey({ name: 'log.example/x', type: NOTE_ED25519, key: KEY })],
		refusals: formatError,
		parse: (input) => parseVerifierKey(textOf(input)),
		check: (key, input) => sameText(formatVerifierKey(key), textOf(input)),
	}),
	parser({
		name: 'key of an audited log',
		seeds: [formatVerifierKey({ name: 'log.example/x', type: NOTE_ED25519, key: KEY }), seed('v1 public key')],
		refusals: formatError,
		parse: (input) => parseLogKey(textOf(input)),
		check: ({ spki }) => (spki.length > 40 ? undefined : 'the key is too short'),
	}),
	parser({
		name: 'checkpoint',
		seeds: [...CHECKPOINTS, `${CHECKPOINTS[0]}Timestamp: 1700000000\nextension\n`],
		refusals: formatError,
		parse: (input) => parseCheckpoint(textOf(input)),
		check: (checkpoint, input) => sameText(formatCheckpoint(checkpoint), textOf(input)),
	}),
	parser({
		name: 'cosignature',
		seeds: [encodeCosignature({ timestampSeconds: 1_700_000_000, signature: new Uint8Array(64) })],
		refusals: formatError,
		parse: parseCosignature,
		check: (value, input) => sameBytes(encodeCosignature(value), input),
	}),
	parser({
		name: 'tile path',
		seeds: [
			'tile/0/000',
			'tile/0/x001/x234/067.p/44',
			'tile/entries/005',
			'tile/63/x009/x007/x199/x254/x740/991.p/255',
		],
		refusals: formatError,
		parse: (input) => parseTilePath(textOf(input)),
		check: (tile, input) => sameText(tilePath(tile), textOf(input)),
	}),
	parser({
		name: 'entry bundle',
		seeds: [seed('v2 entry bundle'), encodeBundle(Array.from({ length: 256 }, (_, i) => Uint8Array.of(i)))],
		refusals: formatError,
		parse: parseBundle,
		check: (leaves, input) => sameBytes(encodeBundle(leaves), input),
	}),
	parser({
		name: 'entry bundle of an audited log',
		seeds: [seed('v2 entry bundle')],
		refusals: formatError,
		parse: (input) => readBundle(input),
		// What could be read of a bundle that is cut off is its beginning.
		check: ({ leaves, problem }, input) => {
			const prefix = encodeBundleOfAny(leaves);
			return complaint(
				sameBytes(prefix, input.subarray(0, prefix.length)),
				problem === undefined && prefix.length !== input.length && 'bytes were passed over in silence',
			);
		},
	}),
	parser({
		name: 'data tile of an audited log',
		seeds: [seed('ct data tile')],
		refusals: formatError,
		parse: (input) => readDataTile(input),
		check: ({ leaves, fingerprints }) => {
			for (const leaf of leaves) parseMerkleTreeLeaf(leaf);
			return fingerprints.every(({ length }) => length === 32) ? undefined : 'a fingerprint does not have 32 bytes';
		},
	}),
	parser({
		name: 'stored leaf of a CT log',
		seeds: STATIC_LEAVES.map(({ leaf_input }) => Buffer.from(leaf_input, 'base64')),
		refusals: formatError,
		parse: (leaf) => encodeStaticCtTile([storedEntry(leaf, Buffer.from(STATIC_LEAVES[0]?.extra_data ?? '', 'base64'))]),
		check: (tile) => (tile.length > 0 ? undefined : 'the tile is empty'),
	}),
	parser({
		name: 'stored chain of a CT log',
		seeds: STATIC_LEAVES.map(({ extra_data }) => Buffer.from(extra_data, 'base64')),
		refusals: formatError,
		parse: (extra) =>
			readDataTile(encodeStaticCtTile([storedEntry(Buffer.from(STATIC_LEAVES[0]?.leaf_input ?? '', 'base64'), extra)])),
		check: ({ leaves, problem }) => problem ?? (leaves.length === 1 ? undefined : `it became ${leaves.length} leaves`),
	}),
	parser({
		name: 'id of a v1 entry',
		seeds: [entryId, entryId.slice(16)],
		refusals: anyOf(zodError, domainError('invalid-entry-id')),
		// The schema of the route stands before it.
		parse: (input) => parseEntryName(entryUuid.parse(textOf(input))),
		check: ({ treeId, leafHash }, input) => {
			const text = textOf(input).toLowerCase();
			return sameText(treeId === undefined ? leafHash.toHex() : formatEntryId(treeId, leafHash), text);
		},
	}),
	parser({
		name: 'in-toto statement',
		seeds: [
			seed('statement'),
			'{"subject":[{"digest":{"sha256":"ab","gitCommit":"cd"}}],"predicate":{"materials":[{"digest":{"sha1":"00"}}]}}',
		],
		refusals: () => false,
		parse: (input) => inTotoDigests('application/vnd.in-toto+json', input),
		check: (terms) =>
			JSON.stringify(terms).length < 1024 * 1024 ? undefined : 'the terms are longer than any statement',
	}),
	parser({
		name: 'pre-authentication encoding',
		seeds: ['application/vnd.in-toto+json', 'é€'],
		refusals: formatError,
		parse: (input) => preAuthEncode(textOf(input), input),
		check: (encoded, input) =>
			sameBytes(
				encoded,
				Buffer.concat([
					Buffer.from(`DSSEv1 ${utf8(textOf(input)).length} `),
					utf8(textOf(input)),
					Buffer.from(` ${input.length} `),
					input,
				]),
			),
	}),
	parser({
		name: 'proposed v1 entry',
		seeds: seedsLike(/^v1 \/api\/v1\/log\/entries \d request$/),
		share: 0.5,
		refusals: anyOf(formatError, zodError, ENTRY_ERRORS),
		parse: (input) => admitV1(proposedEntry.parse(parseJson(input)), async () => true),
		check: ({ leaf }) => sameBytes(utf8(JSON.stringify(JSON.parse(new TextDecoder().decode(leaf)))), leaf),
	}),
	parser({
		name: 'proposed v2 entry',
		seeds: [...seedsLike(/^v2 \/api\/v2\/log\/entries \d request$/), dsseRequest()],
		share: 0.5,
		refusals: anyOf(formatError, zodError, ENTRY_ERRORS),
		parse: (input) => admitV2(createEntryRequest.parse(parseJson(input)), async () => true),
		check: ({ leaf }) => sameBytes(utf8(JSON.stringify(JSON.parse(new TextDecoder().decode(leaf)))), leaf),
	}),
	parser({
		name: 'inclusion proof',
		seeds: seedsLike(/^v1 \/api\/v1\/log\/entries \d reply$/),
		share: 0.5,
		refusals: anyOf(formatError, zodError, proofError),
		parse: (input) => {
			const entries = Object.values(logEntry.parse(parseJson(input)));
			for (const { body, verification } of entries) checkWhole(body, verification.inclusionProof);
			return entries;
		},
		check: (entries) => (Array.isArray(entries) ? undefined : 'there are no entries'),
	}),
	parser({
		name: 'consistency proof',
		seeds: [
			`{"first":1,"second":1,"firstRoot":"${'ab'.repeat(32)}","secondRoot":"${'ab'.repeat(32)}","proof":[]}`,
			`{"first":0,"second":7,"firstRoot":"${toHex(EMPTY_ROOT)}","secondRoot":"${'ab'.repeat(32)}","proof":[]}`,
			`{"first":2,"second":3,"firstRoot":"${toHex(LEAF)}","secondRoot":"${toHex(hashNode(LEAF, LEAF))}","proof":["${toHex(LEAF)}"]}`,
		],
		refusals: anyOf(formatError, proofError),
		parse: (input) => {
			const proof = consistencyInput(parseJson(input));
			checkConsistency(proof);
			return proof;
		},
		check: ({ first, second }) => (first <= second ? undefined : 'the tree has shrunk'),
	}),
];

function storedEntry(leaf: Uint8Array, extra: Uint8Array) {
	return { leaf, extra } as Parameters<typeof encodeStaticCtTile>[0][number];
}

/** As `encodeBundle`, for any number of entries: an auditor reads on. */
function encodeBundleOfAny(leaves: readonly Uint8Array[]): Uint8Array {
	return Buffer.concat(leaves.flatMap((leaf) => [Uint8Array.of(leaf.length >> 8, leaf.length & 0xff), leaf]));
}

function dsseRequest(): Uint8Array {
	const { dsseEnvelope, verificationMaterial } = seedJson<{
		dsseEnvelope: object;
		verificationMaterial: { certificate: object };
	}>('v2 attestation bundle');
	const verifiers = [{ x509Certificate: verificationMaterial.certificate, keyDetails: 'PKIX_ECDSA_P256_SHA_256' }];
	return utf8(JSON.stringify({ dsseRequestV002: { envelope: dsseEnvelope, verifiers } }));
}

/** A proof that was read is checked: what does not prove is a ProofError, and nothing else. */
function checkWhole(
	body: string,
	proof: { logIndex: number; treeSize: number; rootHash: string; hashes: readonly string[] },
): void {
	checkInclusion({
		index: proof.logIndex,
		size: proof.treeSize,
		leafHash: hashLeaf(Buffer.from(body, 'base64')),
		root: Uint8Array.fromHex(proof.rootHash),
		proof: proof.hashes.map((hash) => Uint8Array.fromHex(hash)),
	});
}

function consistencyInput(value: unknown): Parameters<typeof checkConsistency>[0] {
	const { first, second, firstRoot, secondRoot, proof } = (value ?? {}) as Record<string, unknown>;
	if (typeof first !== 'number' || typeof second !== 'number' || !Array.isArray(proof))
		throw new FormatError('consistency proof', 'not two sizes and hashes');
	const [older = LEAF, newer = LEAF, ...hashes] = [firstRoot, secondRoot, ...proof].map((hash) =>
		fromHex(String(hash)),
	);
	return { first, second, firstRoot: older, secondRoot: newer, proof: hashes };
}
