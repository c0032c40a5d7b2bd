/**
 * One export: the story from what a store shows to what the log has published.
 *
 * The order is everything. Readers trust a checkpoint and then ask for the tiles below it, so the checkpoint comes
 * last, after everything that it covers is durable. A crash anywhere leaves the checkpoint of before, whole, and beside
 * it objects that no reader asks for yet; the next export finds them there, compares them, and goes on. Where it goes on
 * is read from the store itself: from its checkpoint, or before the first one from the newest window that was begun.
 */
import { equalBytes, toHex, utf8 } from '@chancery/core/bytes';
import { type Checkpoint, parseCheckpoint } from '@chancery/core/checkpoint';
import { FormatError } from '@chancery/core/format-error';
import { parseNote } from '@chancery/core/note';
import type { TileName } from '@chancery/core/tile';
import type { Publication } from '../entry.ts';
import type { Reads } from '../read/reads.ts';
import { ExportError, type ExportStore } from './export-store.ts';
import {
	type BundleFolder,
	fullObjects,
	objectPath,
	partialObjects,
	windowCount,
	windowStart,
} from './tree-objects.ts';

export interface TreeExport {
	readonly log: Pick<Reads, 'published' | 'tile' | 'entryBundle' | 'rootAt'>;
	readonly store: ExportStore;
	/** First line of the log's checkpoints. A store that shows another log is left alone. */
	readonly origin: string;
	readonly bundles: BundleFolder;
	/** What readers need beside the tiles (certificates that bundles name by hash). Asked once the tree is known. */
	readonly companions?: () => Promise<readonly { readonly path: string; readonly bytes: Uint8Array }[]>;
	/**
	 * Whether `next` is to replace the shown note of the same size and root: only where a note carries a time. Absent: one
	 * note per size.
	 */
	readonly isNewer?: (next: Uint8Array, shown: Uint8Array) => boolean;
}

export type ExportOutcome =
	/** The store shows the log's published checkpoint now. */
	| { readonly kind: 'exported' | 'current'; readonly size: number }
	/** The store shows more than this process has seen published: another exporter was faster, or the log went back. */
	| { readonly kind: 'behind'; readonly size: number; readonly shownSize: number };

/** Objects in flight. */
const CONCURRENCY = 8;

/** Says which log the store belongs to before the first checkpoint does. */
const OWNER_PATH = 'origin';

/**
 * Brings the store to the published checkpoint.
 * @throws {ExportError} when the store has another log or other bytes than this one; TlogError as the log's reads do
 */
export async function exportTree(job: TreeExport, signal?: AbortSignal): Promise<ExportOutcome> {
	const { log, store } = job;
	await claimStore(job);
	for (;;) {
		// 1. What the store shows, and only then what is published: the publication is not older than what was shown.
		const shown = await store.readCheckpoint();
		const claim = shown && readShown(job, shown.note);
		const publication = await log.published();
		const { size } = publication;
		if (shown && claim) {
			if (claim.size > size) return { kind: 'behind', size, shownSize: claim.size };
			await requireSameTree(job, claim, publication);
			const isNews = claim.size < size || job.isNewer?.(publication.note, shown.note) === true;
			if (!isNews) return { kind: 'current', size };
		}

		// 2. Everything below the checkpoint: full tiles and bundles, companions, and the partial ones of this very size.
		// A crash here leaves objects that no checkpoint covers yet.
		for (const window of fullObjects(claim ? claim.size : await resumeAt(job, size), size)) {
			signal?.throwIfAborted();
			await writeAll(job, window);
		}
		for (const { path, bytes } of (await job.companions?.()) ?? []) await createSame(store, path, bytes);
		await writeAll(job, partialObjects(size));

		// 3. The checkpoint, if nobody has moved it meanwhile. A crash before this line leaves the old one, and after it the
		// new one, over a tree that is complete either way.
		signal?.throwIfAborted();
		if (await store.swapCheckpoint(publication.note, shown)) return { kind: 'exported', size };
	}
}

/** Two logs in one place would find each other's tiles; the first one to come has it. */
async function claimStore({ store, origin }: TreeExport): Promise<void> {
	const own = utf8(`${origin}\n`);
	// Read before anything is written: this is asked every few seconds.
	let found = await store.read(OWNER_PATH);
	if (!found) {
		await store.create(OWNER_PATH, own);
		found = await store.read(OWNER_PATH);
	}
	if (found && equalBytes(found, own)) return;
	const other = found ? new TextDecoder().decode(found).slice(0, 200).trim() : 'nobody';
	throw new ExportError(`the ${store.name} belongs to the log '${other}', not to '${origin}'`);
}

function readShown({ store, origin }: TreeExport, note: Uint8Array): Checkpoint {
	try {
		const checkpoint = parseCheckpoint(parseNote(note).text);
		if (checkpoint.origin === origin) return checkpoint;
		throw new ExportError(`the ${store.name} shows a checkpoint of '${checkpoint.origin}', not of '${origin}'`);
	} catch (cause) {
		if (!(cause instanceof FormatError)) throw cause;
		// Nothing of ours writes half a note. Somebody has to look.
		throw new ExportError(`the ${store.name} shows a checkpoint that cannot be read: ${cause.message}`, { cause });
	}
}

/** The log must contain the tree that the store shows, or the store's readers would be shown a fork. */
async function requireSameTree(
	{ log, store }: TreeExport,
	claim: Checkpoint,
	{ size, root }: Publication,
): Promise<void> {
	const own = claim.size === size ? root : await log.rootAt(claim.size);
	if (equalBytes(own, claim.root)) return;
	throw new ExportError(
		`the ${store.name} shows root ${toHex(claim.root)} at size ${claim.size}, the log has ${toHex(own)}: it is another tree, and is left alone`,
	);
}

/**
 * Where an export continues that never reached its first checkpoint. Windows are written one after the other, so the
 * last one that was begun is found by halving; it is written again, and those before it are complete.
 */
async function resumeAt({ store, bundles }: TreeExport, size: number): Promise<number> {
	let complete = 0;
	let end = windowCount(size);
	while (complete + 1 < end) {
		const middle = Math.floor((complete + end) / 2);
		if (await store.has(objectPath(windowStart(middle).first, bundles))) complete = middle;
		else end = middle;
	}
	return windowStart(complete).size;
}

async function writeAll(job: TreeExport, objects: readonly TileName[]): Promise<void> {
	const waiting = objects.values();
	const work = async () => {
		for (const object of waiting)
			await createSame(job.store, objectPath(object, job.bundles), await bytesOf(job, object));
	};
	await Promise.all(Array.from({ length: Math.min(CONCURRENCY, objects.length) }, work));
}

async function bytesOf({ log }: TreeExport, { level, index, width }: TileName): Promise<Uint8Array> {
	const bytes = await (level === 'entries' ? log.entryBundle(index, width) : log.tile(level, index, width));
	if (bytes) return bytes;
	throw new ExportError(`the log does not answer tile/${level}/${index} of width ${width}, which it has published`);
}

/** Writes an object, or finds the very same one written by an earlier export or another exporter. */
async function createSame(store: ExportStore, path: string, bytes: Uint8Array): Promise<void> {
	if ((await store.create(path, bytes)) === 'created') return;
	const found = await store.read(path);
	if (found && equalBytes(found, bytes)) return;
	throw new ExportError(
		`the ${store.name} has other bytes in ${path} than the log: it holds another tree or is damaged, and is left alone`,
	);
}
