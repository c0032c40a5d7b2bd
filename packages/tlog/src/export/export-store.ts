/**
 * The port to where a log is exported: a place of named bytes that readers see as they are, a folder behind a file server
 * (`folder-store.ts`) or a bucket (`S3Store` of `net`). Two kinds of objects, with two rules:
 *
 * - tiles, bundles and certificates are created once and never change;
 * - the checkpoint moves by compare-and-swap, so that of two exporters the slower one cannot put an older one back.
 *
 * Everything that a method has answered is durable.
 */
import { ChanceryError } from '@chancery/core/chancery-error';

export interface StoredCheckpoint {
	/** The note as it stands in the store. */
	readonly note: Uint8Array;
	/** Tells this very write of it from any other; only the store knows how. */
	readonly version: string;
}

export interface ExportStore {
	/** For messages: where this is, without secrets. */
	readonly name: string;
	/**
	 * Called once before anything else.
	 * @throws {ExportError} when the place cannot be used, or would not keep the two rules
	 */
	open(): Promise<void>;
	/** Writes an object that never changes. `exists`: there is one of this name, and it was left alone. */
	create(path: string, bytes: Uint8Array): Promise<'created' | 'exists'>;
	has(path: string): Promise<boolean>;
	read(path: string): Promise<Uint8Array | undefined>;
	readCheckpoint(): Promise<StoredCheckpoint | undefined>;
	/** Replaces the checkpoint if it still is `seen` (undefined: there is none). Returns whether it did. */
	swapCheckpoint(note: Uint8Array, seen: StoredCheckpoint | undefined): Promise<boolean>;
	/** Lets another exporter have the place. */
	close(): Promise<void>;
}

/** Path of the checkpoint in every store (https://c2sp.org/tlog-tiles). */
export const CHECKPOINT_PATH = 'checkpoint';

/** The log cannot be exported to the place; the message says what was expected there and what was found. */
export class ExportError extends ChanceryError<'export-refused'> {
	constructor(message: string, options?: ErrorOptions) {
		super('export-refused', message, options);
	}
}
