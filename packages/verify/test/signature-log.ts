/** A signature log in memory: a tree of a few leaves, one of them ours, with promise, proof and checkpoint. */

import { toBase64, toHex, utf8 } from '@chancery/core/bytes';
import { canonicalJson } from '@chancery/core/canonical-json';
import { formatCheckpoint } from '@chancery/core/checkpoint';
import { hashLeaf, rootOf } from '@chancery/core/merkle';
import { ed25519KeyHash } from '@chancery/core/note';
import { proveInclusion } from '@chancery/core/proof';
import type { BundleJson } from '@chancery/wire/bundle';
import { sha256 } from './certificates.ts';
import { makeKey, signWith, type TestKey } from './keys.ts';

export type LogEntryJson = NonNullable<BundleJson['verificationMaterial']['tlogEntries']>[number];

export interface RecordOptions {
	/** Unix seconds of the promise; none is made when absent. */
	readonly integratedTime?: number | undefined;
	/** First line of the checkpoint. */
	readonly origin?: string;
	/** Name and key hint of the log's own signature line. */
	readonly lineName?: string;
	readonly keyHint?: Uint8Array;
	/** Signature lines before and after the log's own. */
	readonly before?: readonly string[];
	readonly after?: readonly string[];
	/** Who signs checkpoint and promise, instead of the log. */
	readonly forger?: TestKey;
}

const TREE_SIZE = 11;
const INDEX = 5;
/** Entries of earlier shards, which the index of a v1 log counts as well. */
const SHARD_START = 1000;

export class SignatureLog {
	readonly wire: 'v1' | 'v2';
	readonly host: string;
	readonly key: TestKey;
	readonly logId: Uint8Array;

	constructor(wire: 'v1' | 'v2', host: string, key: TestKey = makeKey(wire === 'v1' ? 'p256' : 'ed25519')) {
		this.wire = wire;
		this.host = host;
		this.key = key;
		this.logId = key.kind === 'ed25519' ? ed25519KeyHash(host, key.spki.subarray(-32)) : sha256(key.spki);
	}

	/** Its entry in a trusted root. */
	trusted(validFor: { start?: string; end?: string }) {
		return {
			baseUrl: `https://${this.host}`,
			hashAlgorithm: 'SHA2_256',
			publicKey: { rawBytes: toBase64(this.key.spki), keyDetails: 'PKIX_ECDSA_P256_SHA_256', validFor },
			logId: { keyId: toBase64(this.logId) },
		};
	}

	async record(
		kindVersion: { kind: string; version: string },
		body: Uint8Array,
		options: RecordOptions = {},
	): Promise<LogEntryJson> {
		const leaves = Array.from({ length: TREE_SIZE }, (_, i) => hashLeaf(i === INDEX ? body : utf8(`leaf ${i}`)));
		const hashes = await proveInclusion(INDEX, TREE_SIZE, async (ids) =>
			ids.map(({ level, index }) => rootOf(leaves.slice(index * 2 ** level, (index + 1) * 2 ** level))),
		);
		const root = rootOf(leaves);
		const logIndex = this.wire === 'v1' ? SHARD_START + INDEX : INDEX;
		return {
			logIndex: String(logIndex),
			logId: { keyId: toBase64(this.logId) },
			kindVersion,
			...(options.integratedTime === undefined ? {} : this.#promise(body, logIndex, options.integratedTime, options)),
			inclusionProof: {
				logIndex: String(INDEX),
				rootHash: toBase64(root),
				treeSize: String(TREE_SIZE),
				hashes: hashes.map(toBase64),
				checkpoint: { envelope: this.checkpoint(TREE_SIZE, root, options) },
			},
			canonicalizedBody: toBase64(body),
		};
	}

	#promise(body: Uint8Array, logIndex: number, integratedTime: number, { forger }: RecordOptions) {
		const payload = canonicalJson({ body: toBase64(body), integratedTime, logID: toHex(this.logId), logIndex });
		const signedEntryTimestamp = toBase64(signWith(forger ?? this.key, utf8(payload), 'sha256'));
		return { integratedTime: String(integratedTime), inclusionPromise: { signedEntryTimestamp } };
	}

	checkpoint(size: number, root: Uint8Array, options: RecordOptions = {}): string {
		const origin = options.origin ?? (this.wire === 'v1' ? `${this.host} - 123456` : this.host);
		const text = formatCheckpoint({ origin, size, root });
		const signature = signWith(options.forger ?? this.key, utf8(text), 'sha256');
		const own = line(options.lineName ?? this.host, options.keyHint ?? this.logId.subarray(0, 4), signature);
		return `${text}\n${[...(options.before ?? []), own, ...(options.after ?? [])].join('')}`;
	}
}

/** A signature line of a note. */
export function line(name: string, hint: Uint8Array, signature: Uint8Array): string {
	return `\u2014 ${name} ${Buffer.concat([hint, signature]).toString('base64')}\n`;
}
