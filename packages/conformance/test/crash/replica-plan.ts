/** What a replica is told at its start, what it says, and what its checkpoints sign. */
import { createPublicKey, type KeyObject } from 'node:crypto';
import type { LogIdentity } from '@chancery/tlog/log-identity';

export interface ReplicaPlan {
	/** Shown in the server's `pg_stat_activity`. */
	readonly name: string;
	/** Through the relay. */
	readonly databaseUrl: string;
	readonly marksUrl: string;
	readonly keyPem: string;
	readonly relayPid: number;
	readonly clients: number;
	/** Pause of each client between two submissions. */
	readonly thinkMs: number;
}

export interface Answer {
	readonly kind: 'answer';
	readonly text: string;
	readonly index: number;
	readonly duplicate: boolean;
	/** Unix milliseconds: when the client first asked, and when it had its answer. */
	readonly sentMs: number;
	readonly doneMs: number;
	/** How often it had been turned away. */
	readonly tries: number;
	/** Bytes in hex. */
	readonly checkpoint: {
		readonly size: number;
		readonly root: string;
		readonly timestampMs: number;
		readonly signature: string;
	};
	readonly proof: readonly string[];
}

export type ReplicaEvent =
	| Answer
	| { readonly kind: 'ready' | 'holding' | 'woken'; readonly atMs: number }
	| { readonly kind: 'complaint'; readonly atMs: number; readonly message: string }
	| { readonly kind: 'end'; readonly batches: number; readonly health: object };

/** The head in plain words, so that anyone can check it without the code under test. */
export function statementOf(head: { size: number; root: Uint8Array; timestampMs: number }): Buffer {
	return Buffer.from(`${head.size} ${Buffer.from(head.root).toString('hex')} ${head.timestampMs}`);
}

export function identityOf(key: KeyObject): LogIdentity {
	return {
		logId: 'shared',
		origin: 'log.test/shared',
		treeId: null,
		wire: 'rekor-v2',
		codec: 'tlog-tiles',
		publicKey: new Uint8Array(createPublicKey(key).export({ type: 'spki', format: 'der' })),
		mode: 'development',
	};
}
