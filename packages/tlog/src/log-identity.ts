/**
 * What a log is, for ever: written once into its row (`log/create-log.ts`), compared at each start
 * (`store/identity-check.ts`).
 */
import { TlogError } from './tlog-error.ts';

export interface LogIdentity {
	/** Names the rows of the log in its schema: `rekor-v1`. */
	readonly logId: string;
	/** First line of its checkpoints. */
	readonly origin: string;
	/** Decimal, on the wires that have one. */
	readonly treeId: string | null;
	readonly wire: 'rekor-v1' | 'rekor-v2' | 'rfc6962';
	/** How entry bundles are written. */
	readonly codec: 'tlog-tiles' | 'static-ct';
	/** SubjectPublicKeyInfo, DER. */
	readonly publicKey: Uint8Array;
	readonly mode: 'development' | 'production';
}

/**
 * The sentence for a log that is not the configured one, has not been created, or is marked otherwise; undefined for
 * every other error. Only another configuration, or a command, ends it.
 */
export function explainIdentityError(error: unknown): string | undefined {
	return error instanceof TlogError && error.code === 'identity-mismatch' ? error.detail : undefined;
}
