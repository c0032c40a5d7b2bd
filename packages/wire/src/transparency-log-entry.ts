/**
 * dev.sigstore.rekor.v1.TransparencyLogEntry as proto3 JSON: what a Rekor v2 log answers to a write, and what clients
 * keep in a bundle. Here every field is present, as the server emits it; `wire/bundle` describes the looser stored form.
 */
import { z } from 'zod';
import { base64Bytes, int64String, nonEmptyBytes } from './proto-json.ts';

/** Proof that `canonicalizedBody` is leaf `logIndex` of the tree that `checkpoint` signs. Indexes count within that tree. */
export const inclusionProof = z.object({
	logIndex: int64String,
	rootHash: nonEmptyBytes,
	treeSize: int64String,
	hashes: z.array(base64Bytes).max(64),
	checkpoint: z.object({ envelope: z.string().max(64 * 1024) }),
});

/**
 * A logged entry with its proof. `integratedTime` is unix seconds and 0 where the log signs no time (v2);
 * `inclusionPromise` is the SET of a v1 log and null elsewhere.
 */
export const transparencyLogEntry = z.object({
	logIndex: int64String,
	logId: z.object({ keyId: nonEmptyBytes }),
	kindVersion: z.object({ kind: z.string().min(1).max(64), version: z.string().min(1).max(16) }),
	integratedTime: int64String,
	inclusionPromise: z.object({ signedEntryTimestamp: nonEmptyBytes }).nullable(),
	inclusionProof,
	canonicalizedBody: nonEmptyBytes,
});

export type TransparencyLogEntry = z.output<typeof transparencyLogEntry>;
export type TransparencyLogEntryJson = z.input<typeof transparencyLogEntry>;
