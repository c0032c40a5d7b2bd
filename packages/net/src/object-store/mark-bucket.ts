/**
 * A bucket of an S3-compatible store for small objects that several hosts move forward: each write carries the version that
 * was read as its condition. The port that the marks of `postgres` ask for.
 *
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
 */
import { randomUUID } from 'node:crypto';
import { ObjectStoreError } from './object-store-error.ts';
import { nameOf, requestS3, type S3Reply, type S3Target } from './s3-requests.ts';

export interface VersionedObject {
	readonly bytes: Uint8Array;
	/** Its ETag. */
	readonly version: string;
}

export interface MarkBucket {
	/** For messages: where this is, without secrets. */
	readonly name: string;
	/**
	 * Asks the store, with writes whose condition is not met, whether it refuses them. Returns what it ignores, in words;
	 * undefined when it honours both conditions, and serves what it was given.
	 * @throws {ObjectStoreError} when it cannot be asked
	 */
	findIgnoredCondition(): Promise<string | undefined>;
	read(path: string): Promise<VersionedObject | undefined>;
	/** Writes if the object has the version `seen` (undefined: if there is none). Returns whether it was written. */
	write(path: string, bytes: Uint8Array, seen: string | undefined): Promise<boolean>;
	/** Writes an object that means nothing, to see that writing is possible. */
	touch(path: string): Promise<void>;
}

/** A mark is small, and somebody waits for it. */
const TIMEOUT_MS = 2_000;
const TRIES = 2;
const PROBE_PATH = 'conditions';
/** Others may ask at the same moment, with the same object. */
const PROBE_TRIES = 10;
/** Of no object: an ETag is a digest of something. */
const NO_VERSION = '"00000000000000000000000000000000"';
const HEADERS = { 'cache-control': 'no-store', 'content-type': 'text/plain; charset=utf-8' };

/** Connects at the first question. The bucket must exist; its credentials need to get and put. */
export function openMarkBucket(given: S3Target): MarkBucket {
	const target = { ...given, timeoutMs: TIMEOUT_MS };
	const name = nameOf(target);

	const put = (path: string, body: Uint8Array, condition: Readonly<Record<string, string>>): Promise<S3Reply> =>
		requestS3(target, { method: 'PUT', path, headers: { ...HEADERS, ...condition }, body }, TRIES);

	const read = async (path: string): Promise<VersionedObject | undefined> => {
		const { status, etag, body } = await requestS3(target, { method: 'GET', path }, TRIES);
		if (status === 404) return undefined;
		if (status !== 200) throw new ObjectStoreError(`reading ${path} from ${name} was answered ${status}`);
		if (!etag) throw new ObjectStoreError(`${name} answers no ETag for ${path}`);
		return { bytes: body, version: etag };
	};

	// 409: another conditional write of the same object at the same moment. 404: the one that was seen is gone.
	const write = async (path: string, bytes: Uint8Array, seen: string | undefined): Promise<boolean> => {
		const { status } = await put(path, bytes, seen === undefined ? { 'if-none-match': '*' } : { 'if-match': seen });
		return status === 200;
	};

	return {
		name,
		read,
		write,
		async touch(path) {
			const { status } = await put(path, fresh(), {});
			if (status !== 200) throw new ObjectStoreError(`writing ${path} to ${name} was answered ${status}`);
		},
		async findIgnoredCondition() {
			const first = await put(PROBE_PATH, fresh(), { 'if-none-match': '*' });
			if (first.status !== 200 && first.status !== 412 && first.status !== 409)
				throw new ObjectStoreError(
					`writing ${PROBE_PATH} to ${name} was answered ${first.status}: is there such a bucket?`,
				);
			// It is there now, whoever wrote it.
			if (await write(PROBE_PATH, fresh(), undefined))
				return 'it writes over an object although the write says If-None-Match: *';
			if (await write(PROBE_PATH, fresh(), NO_VERSION))
				return 'it writes over an object although the write says If-Match with another ETag';
			for (let attempt = 1; attempt <= PROBE_TRIES; attempt++) {
				const before = await read(PROBE_PATH);
				const mine = fresh();
				if (!before) return 'it does not serve what it was given';
				// Refused: by another one who asks at the same time, or always.
				if (!(await write(PROBE_PATH, mine, before.version))) continue;
				// The version that was replaced must count no more.
				if (await write(PROBE_PATH, fresh(), before.version))
					return 'it writes over an object although the write says If-Match with an ETag from before';
				return undefined;
			}
			return 'it refuses writes that say If-Match with the ETag that it answered';
		},
	};
}

/** Never the same twice, so that the ETag changes with each write. */
function fresh(): Uint8Array {
	return new TextEncoder().encode(`Written to see that the store honours conditions on writes. ${randomUUID()}\n`);
}
