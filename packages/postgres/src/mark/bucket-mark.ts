/**
 * The mark as an object in a bucket, for processes on any number of hosts: each write carries the condition that the
 * object is still the one that was read.
 *
 * A store that ignores the condition would let a slow process put an older mark over a newer one, so none is used before
 * it has shown, by refusing, that it honours both conditions. An answer that got lost says nothing about the write: the
 * object is read again, and holds it or does not.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { type AdoptableMarkStore, type Mark, MarkError, MarkPlaceError } from './mark.ts';
import { formatStoredMark, parseStoredMark, supersedes } from './mark-format.ts';

/** What the mark needs of a bucket; `net` has one. */
export interface ConditionalBucket {
	/** For messages: where it is, without secrets. */
	readonly name: string;
	/** What was found wanting, in words; undefined when a write is refused whenever its condition is not met. Rejects when it cannot be asked. */
	findIgnoredCondition(): Promise<string | undefined>;
	read(path: string): Promise<{ readonly bytes: Uint8Array; readonly version: string } | undefined>;
	/**
	 * Writes if the object still has the version that was read (undefined: if there is none). Returns whether it did; a
	 * write whose answer got lost may have been done whatever comes back.
	 */
	write(path: string, bytes: Uint8Array, seen: string | undefined): Promise<boolean>;
	/** Writes an object that means nothing, to see that writing is possible. */
	touch(path: string): Promise<void>;
}

/** In the place of a file's name: all processes of all hosts have the same object. */
const NO_HOLDER = '';
/** As many neighbours may come in between. */
const TRIES = 12;
const MAX_PAUSE_MS = 100;
/** Each costs a write. */
const PROBE_EVERY_MS = 60_000;
const PROBE_OBJECT = 'writable';

/**
 * @param name of the mark: the same in all processes of one log or service, and in no other. At most 200 characters.
 * @throws {TypeError} when `name` cannot be one
 */
export function openBucketMark(bucket: ConditionalBucket, name: string): AdoptableMarkStore {
	if (!/^[\x21-\x7e]{1,200}$/.test(name)) throw new TypeError(`'${name}' is not the name of a mark`);
	const where = `${name} in ${bucket.name}`;
	// Names of hosts bring colons and brackets, which not every store takes as they are.
	const object = `${name.replaceAll(/[^A-Za-z0-9._/-]/g, (char) => `~${char.charCodeAt(0).toString(16)}`)}.mark`;

	let isProven = false;
	const prove = async (): Promise<void> => {
		if (isProven) return;
		const ignored = await bucket.findIgnoredCondition();
		if (ignored !== undefined)
			throw new MarkPlaceError(
				`the mark ${where} cannot be kept there: ${ignored}. Use a store that honours If-Match and If-None-Match on writes, or markDatabase`,
			);
		isProven = true;
	};

	const asking = async <T>(what: string, work: () => Promise<T>): Promise<T> => {
		try {
			await prove();
			return await work();
		} catch (cause) {
			if (cause instanceof MarkError) throw cause;
			throw new MarkError(`the mark ${where} cannot be ${what}: ${reasonOf(cause)}`, { cause });
		}
	};

	const load = async (): Promise<{ readonly mark: Mark | undefined; readonly version: string } | undefined> => {
		const found = await bucket.read(object);
		if (!found) return undefined;
		const { mark } = parseStoredMark(new TextDecoder().decode(found.bytes), where);
		return { mark, version: found.version };
	};

	/** Writes only while what `seenBy` has looked at is still what is stored, and looks again otherwise. */
	const write = async (mark: Mark, seenBy: () => Promise<{ version: string | undefined } | 'done'>): Promise<void> => {
		const bytes = new TextEncoder().encode(formatStoredMark({ holder: NO_HOLDER, mark }));
		let failure: unknown;
		let failures = 0;
		for (let attempt = 1; attempt <= TRIES; attempt++) {
			// Also after a write that failed: it may have been done, and then nothing is left to do.
			const seen = await seenBy();
			if (seen === 'done') return;
			// The same failure twice is not a lost answer.
			if (failures > 1) throw failure;
			try {
				if (await bucket.write(object, bytes, seen.version)) return;
			} catch (cause) {
				failure = cause;
				failures++;
				continue;
			}
			await sleep(Math.random() * MAX_PAUSE_MS);
		}
		throw new MarkError(`the mark ${where} was changed by others ${TRIES} times while it was to be written`);
	};

	return {
		probeEveryMs: PROBE_EVERY_MS,
		read: () => asking('read', async () => (await load())?.mark),
		advance: (mark) =>
			asking('written', () =>
				write(mark, async () => {
					const stored = await load();
					if (stored?.mark && !supersedes(mark, stored.mark, where)) return 'done';
					return { version: stored?.version };
				}),
			),
		replace: (mark) =>
			asking('written', () =>
				write(mark, async () => {
					// An operator sets the mark again also when what is there cannot be parsed.
					const found = await bucket.read(object);
					const isDone =
						found && new TextDecoder().decode(found.bytes) === formatStoredMark({ holder: NO_HOLDER, mark });
					return isDone ? 'done' : { version: found?.version };
				}),
			),
		probe: () => asking('written', () => bucket.touch(PROBE_OBJECT)),
		// Not `asking`: the store would be asked about conditions with writes.
		async inspect() {
			try {
				const mark = (await load())?.mark;
				return { where, mark, holder: undefined, obstacle: undefined, folder: undefined, clockMs: undefined };
			} catch (cause) {
				if (cause instanceof MarkError) throw cause;
				throw new MarkError(`the mark ${where} cannot be read: ${reasonOf(cause)}`, { cause });
			}
		},
	};
}

function reasonOf(cause: unknown): string {
	return cause instanceof Error ? cause.message : String(cause);
}
