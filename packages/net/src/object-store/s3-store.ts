/**
 * A bucket of an S3-compatible store that a log is exported to: the `ExportStore` that the log engine asks for. Every
 * write carries a condition: `If-None-Match: *` for what never changes, `If-Match` with the ETag that was read for the
 * checkpoint. Any number of exporters may write to one bucket.
 *
 * A server that ignores the conditions would let the checkpoint go backwards, so `open` asks it first.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
 */
import { ObjectStoreError } from './object-store-error.ts';
import { nameOf, requestS3, type S3Reply, type S3Target, TRIES } from './s3-requests.ts';

/** Written once per bucket and prefix, to see whether a second write is refused. */
const PROBE_PATH = 'conditional-writes';
const PROBE = new TextEncoder().encode(
	'This object was written once, to see that the store refuses to write it twice.\n',
);

/** Objects that are named by what they hold, or are covered by a checkpoint, are the same for ever. */
const IMMUTABLE = 'public, max-age=31536000, immutable';
const REVALIDATE = 'no-cache';
const BYTES = 'application/octet-stream';
const TEXT = 'text/plain; charset=utf-8';

/** Conflicting writes of the same name at the same moment: S3 asks to try again. */
const CONFLICT_TRIES = 5;

/** Path of the one object that moves (https://c2sp.org/tlog-tiles). */
const CHECKPOINT_PATH = 'checkpoint';

export interface StoredCheckpoint {
	readonly note: Uint8Array;
	/** Its ETag. */
	readonly version: string;
}

export interface S3Store {
	/** For messages: where this is, without secrets. */
	readonly name: string;
	/** @throws {ObjectStoreError} when the server cannot be used, or ignores the conditions of writes */
	open(): Promise<void>;
	/** Writes an object that never changes. `exists`: there is one of this name, and it was left alone. */
	create(path: string, bytes: Uint8Array): Promise<'created' | 'exists'>;
	has(path: string): Promise<boolean>;
	read(path: string): Promise<Uint8Array | undefined>;
	readCheckpoint(): Promise<StoredCheckpoint | undefined>;
	/** Replaces the checkpoint if it still is `seen` (undefined: there is none). Returns whether it did. */
	swapCheckpoint(note: Uint8Array, seen: StoredCheckpoint | undefined): Promise<boolean>;
	close(): Promise<void>;
}

/** `tries`: how often a request is sent while the server is the problem. */
export function openS3Store(target: S3Target, tries: number = TRIES): S3Store {
	const name = nameOf(target);

	const put = async (
		path: string,
		body: Uint8Array,
		condition: Readonly<Record<string, string>>,
		kind: { readonly cache: string; readonly type: string },
	): Promise<S3Reply> => {
		const headers = { ...condition, 'cache-control': kind.cache, 'content-type': kind.type };
		for (let attempt = 1; ; attempt++) {
			const reply = await requestS3(target, { method: 'PUT', path, headers, body }, tries);
			if (reply.status !== 409 || attempt === CONFLICT_TRIES) return reply;
		}
	};

	const create = async (path: string, bytes: Uint8Array): Promise<'created' | 'exists'> => {
		const reply = await put(path, bytes, { 'if-none-match': '*' }, { cache: IMMUTABLE, type: BYTES });
		if (reply.status === 200) return 'created';
		if (reply.status === 412) return 'exists';
		throw new ObjectStoreError(`writing ${path} to ${name} was answered ${reply.status}: is there such a bucket?`);
	};

	const get = async (path: string): Promise<S3Reply | undefined> => {
		const reply = await requestS3(target, { method: 'GET', path }, tries);
		if (reply.status === 404) return undefined;
		if (reply.status !== 200) throw new ObjectStoreError(`reading ${path} from ${name} was answered ${reply.status}`);
		return reply;
	};

	return {
		name,
		async open() {
			await create(PROBE_PATH, PROBE);
			// It is there now, whoever wrote it.
			const again = await create(PROBE_PATH, PROBE);
			const swap = await put(
				PROBE_PATH,
				PROBE,
				{ 'if-match': '"00000000000000000000000000000000"' },
				{ cache: IMMUTABLE, type: BYTES },
			);
			if (again !== 'exists' || swap.status !== 412)
				throw new ObjectStoreError(
					`${name} does not refuse conditional writes (If-None-Match: ${again}, If-Match: ${swap.status}); without them two exporters could move the checkpoint backwards`,
				);
		},
		create,
		async has(path) {
			const { status } = await requestS3(target, { method: 'HEAD', path }, tries);
			return status === 200;
		},
		read: async (path) => (await get(path))?.body,
		async readCheckpoint(): Promise<StoredCheckpoint | undefined> {
			const reply = await get(CHECKPOINT_PATH);
			if (!reply) return undefined;
			if (!reply.etag) throw new ObjectStoreError(`${name} answers no ETag for the checkpoint`);
			return { note: reply.body, version: reply.etag };
		},
		async swapCheckpoint(note, seen) {
			const condition = seen ? { 'if-match': seen.version } : { 'if-none-match': '*' };
			const { status } = await put(CHECKPOINT_PATH, note, condition as Record<string, string>, {
				cache: REVALIDATE,
				type: TEXT,
			});
			// 404: somebody removed the one that was seen.
			return status === 200;
		},
		close: async () => undefined,
	};
}
