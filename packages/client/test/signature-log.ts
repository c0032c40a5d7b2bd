/** Both wires of a signature log, with a tree of three leaves; the last one is the entry that was sent. */
import { createHash } from 'node:crypto';
import { fromBase64, toBase64, toHex, utf8 } from '@chancery/core/bytes';
import { canonicalJson } from '@chancery/core/canonical-json';
import { formatCheckpoint } from '@chancery/core/checkpoint';
import { hashLeaf, hashNode, rootOf } from '@chancery/core/merkle';
import { formatNote } from '@chancery/core/note';
import { makeKey, sha256, signWith } from './certificates.ts';

// biome-ignore lint/suspicious/noExplicitAny: requests are JSON of several shapes
type Json = any;

export class SignatureLog {
	readonly host: string;
	readonly key = makeKey();
	readonly logId = sha256(this.key.spki);

	constructor(host: string) {
		this.host = host;
	}

	/** The answer of the v1 wire to a proposed entry. */
	answerV1(request: Json, integratedTime: number): Json {
		const body = utf8(canonicalJson(request.kind === 'dsse' ? dsseBody(request) : request));
		const { index, size, root, hashes } = treeWith(body);
		const logIndex = index + 1000;
		const logID = toHex(this.logId);
		const payload = canonicalJson({ body: toBase64(body), integratedTime, logID, logIndex });
		const inclusionProof = {
			checkpoint: this.#checkpoint(`${this.host} - 1`, size, root),
			hashes: hashes.map(toHex),
			logIndex: index,
			rootHash: toHex(root),
			treeSize: size,
		};
		const signedEntryTimestamp = toBase64(signWith(this.key, utf8(payload)));
		const verification = { inclusionProof, signedEntryTimestamp };
		return {
			[`${'1'.padStart(16, '0')}${toHex(hashLeaf(body))}`]: {
				body: toBase64(body),
				integratedTime,
				logID,
				logIndex,
				verification,
			},
		};
	}

	/** The answer of the v2 wire. */
	answerV2({ hashedRekordRequestV002: { digest, signature } }: Json): Json {
		const { content, verifier } = signature;
		const spec = { hashedRekordV002: { data: { algorithm: 'SHA2_256', digest }, signature: { content, verifier } } };
		const body = utf8(canonicalJson({ apiVersion: '0.0.2', kind: 'hashedrekord', spec }));
		const { index, size, root, hashes } = treeWith(body);
		return {
			logIndex: String(index),
			logId: { keyId: toBase64(this.logId) },
			kindVersion: { kind: 'hashedrekord', version: '0.0.2' },
			integratedTime: '0',
			inclusionPromise: null,
			inclusionProof: {
				logIndex: String(index),
				rootHash: toBase64(root),
				treeSize: String(size),
				hashes: hashes.map(toBase64),
				checkpoint: { envelope: this.#checkpoint(this.host, size, root) },
			},
			canonicalizedBody: toBase64(body),
		};
	}

	#checkpoint(origin: string, size: number, root: Uint8Array): string {
		const text = formatCheckpoint({ origin, size, root });
		const signature = signWith(this.key, utf8(text));
		return formatNote(text, [{ name: this.host, keyHash: this.logId.subarray(0, 4), signature }]);
	}
}

function treeWith(body: Uint8Array) {
	const [first, second, ours] = [hashLeaf(utf8('a')), hashLeaf(utf8('b')), hashLeaf(body)];
	return { index: 2, size: 3, root: rootOf([first, second, ours]), hashes: [hashNode(first, second)] };
}

function dsseBody({ spec: { proposedContent } }: Json): object {
	const envelope = JSON.parse(proposedContent.envelope);
	const hash = (bytes: Uint8Array) => ({
		algorithm: 'sha256',
		value: createHash('sha256').update(bytes).digest('hex'),
	});
	return {
		apiVersion: '0.0.1',
		kind: 'dsse',
		spec: {
			envelopeHash: hash(utf8(proposedContent.envelope)),
			payloadHash: hash(fromBase64(envelope.payload)),
			signatures: [{ signature: envelope.signatures[0].sig, verifier: proposedContent.verifiers[0] }],
		},
	};
}
