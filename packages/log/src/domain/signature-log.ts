/**
 * One log of this service, opened: the engine under it and what its wire needs to know about it.
 */
import type { Log } from '@chancery/tlog/log';
import type { LogStatement } from '../checkpoint-note.ts';

/** The log behind the v1 wire. */
export interface SignatureLogV1 {
	readonly log: Log;
	readonly statement: LogStatement;
	/** Decimal. */
	readonly treeId: string;
	/** Full SHA-256 of the key's SPKI: what the wire calls `logID`. */
	readonly logId: Uint8Array;
	/** DER of the SubjectPublicKeyInfo. */
	readonly publicKey: Uint8Array;
}

/** The log behind the v2 wire. */
export interface SignatureLogV2 {
	readonly log: Log;
	readonly statement: LogStatement;
	/** Full 32-byte note key hash of origin and key. */
	readonly logId: Uint8Array;
	/** DER of the SubjectPublicKeyInfo. */
	readonly publicKey: Uint8Array;
}
