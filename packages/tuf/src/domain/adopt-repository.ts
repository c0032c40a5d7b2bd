/**
 * `tuf adopt-repository`: an operator declares that this database is the true repository, and the mark must follow it.
 *
 * The only solution for a missing mark, and a dangerous one for a database that was rolled back: clients that have seen newer
 * files refuse older ones. So the versions that clients have seen are recorded first, as the mark, this process and the
 * operator know them. The next snapshot, timestamp and targets get larger versions. Roots cannot be skipped: the lost ones
 * are published again, byte for byte, before anything else (publish.ts).
 */
import { DomainError } from '@chancery/chassis/domain-error';
import { fromHex, toHex } from '@chancery/core/bytes';
import { type AdoptableMarkStore, MarkError, MarkInUseError } from '@chancery/postgres/mark/mark';
import type { Database } from '@chancery/postgres/sql';
import { insertAdoption, replaceMarkHolder, type SeenAtAdoption, SHARED_HOLDER } from '../store/mark-holder.ts';
import { metadataHash, newestFiles } from '../store/metadata.ts';
import { markOf, type PublishedVersion, type PublishedVersions, versionsIn } from './published-versions.ts';

/** The newest versions that an operator found at clients; 0 for a role that had none. */
export interface StatedVersions {
	/** `sha256`: 64 hex digits. */
	readonly root: PublishedVersion;
	readonly targets: number;
	readonly snapshot: number;
	readonly timestamp: number;
}

export interface AdoptionOrder {
	readonly database: Database;
	readonly mark: AdoptableMarkStore;
	/** Base URL of the repository. */
	readonly origin: string;
	/** The newest timestamp in the database, as the operator read it; 0 when there is none. Any other version is refused. */
	readonly expect: number;
	/** What this process has read from the mark or written to it; the mark may have gone back as well. Empty for nothing. */
	readonly known: PublishedVersions;
	/**
	 * What the operator found at clients: required when nothing else can tell. Never lowers what is known.
	 * `nothing-newer`: clients know nothing newer than the database contains.
	 */
	readonly stated: StatedVersions | 'nothing-newer' | undefined;
	/** For the record: who decided it, and why. */
	readonly reason: string;
}

export interface Adoption {
	/** The content of the overruled mark; undefined when there was none, or when it could not be parsed. */
	readonly previous: PublishedVersions | undefined;
	/** The newest version of each role that clients have seen, as far as it is known. */
	readonly seen: ReadonlyMap<string, number>;
	readonly adopted: PublishedVersions;
}

/**
 * Afterwards, every other process that has the repository open must be restarted.
 * @throws {DomainError} `wrong-version`, `no-root`, `seen-unknown`; {MarkInUseError} while another process has the mark open,
 * where its place knows that
 */
export async function adoptRepository(order: AdoptionOrder): Promise<Adoption> {
	const shareAgain = await order.mark.takeAlone?.();
	try {
		return await adopt(order);
	} finally {
		await shareAgain?.();
	}
}

async function adopt(order: AdoptionOrder): Promise<Adoption> {
	const { database, mark, origin, expect, known, stated, reason } = order;
	const files = await newestFiles(database);
	const adopted: PublishedVersions = new Map(
		files.map(({ role, version, sha256 }) => [role, { version, sha256: toHex(sha256) }]),
	);
	const firstRoot = await metadataHash(database, 'root', 1);
	if (!firstRoot) throw new DomainError('no-root', 'the repository has published nothing that could be adopted');
	const newest = adopted.get('timestamp')?.version ?? 0;
	if (newest !== expect)
		throw new DomainError('wrong-version', `the newest timestamp in the database is ${newest}, expected was ${expect}`);
	const overruled = await readOverruled(mark, firstRoot);
	const { previous } = overruled;
	// A process does not know what others have published since it last read the mark, and every mark may be shared.
	if (previous === undefined && stated === undefined)
		throw new DomainError(
			'seen-unknown',
			`what clients have seen is not known, because ${overruled.silence}; state the newest versions that clients or mirrors hold, or that you know of nothing newer than the database ('nothing-newer')`,
		);
	const seen = seenOf(known, previous, stated);
	// The record first: a crash before the mark is set leaves a record of an attempt, and a repository that still refuses.
	await insertAdoption(database, { reason, previous: overruled.note, seen });
	await mark.replace(markOf(origin, firstRoot, adopted));
	await replaceMarkHolder(database, (await mark.holder?.()) ?? SHARED_HOLDER);
	return { previous, seen: numbersOf(seen), adopted };
}

interface Overruled {
	readonly note: Uint8Array | undefined;
	readonly previous: PublishedVersions | undefined;
	/** Why it says nothing about this repository. */
	readonly silence: string;
}

/** A mark that cannot be read may be overruled here. But then the operator must say what clients have seen. */
async function readOverruled(mark: AdoptableMarkStore, firstRoot: Uint8Array): Promise<Overruled> {
	let note: Uint8Array | undefined;
	try {
		const stored = await mark.read();
		note = stored?.note;
		if (!stored) return { note, previous: undefined, silence: 'there is no mark' };
		if (toHex(stored.keyId) !== toHex(firstRoot))
			return { note, previous: undefined, silence: `the mark belongs to another repository, ${stored.origin}` };
		return { note, previous: versionsIn(stored), silence: '' };
	} catch (cause) {
		if (cause instanceof MarkInUseError || !(cause instanceof MarkError)) throw cause;
		return { note, previous: undefined, silence: cause.message };
	}
}

/** The largest version of each role from all sources. Of two roots with one version, the one that was written here. */
function seenOf(
	known: PublishedVersions,
	previous: PublishedVersions | undefined,
	stated: AdoptionOrder['stated'],
): SeenAtAdoption {
	const told = typeof stated === 'object' ? stated : undefined;
	const newest = (role: 'targets' | 'snapshot' | 'timestamp') =>
		Math.max(known.get(role)?.version ?? 0, previous?.get(role)?.version ?? 0, told?.[role] ?? 0);
	const [root] = [known.get('root'), previous?.get('root'), told?.root]
		.filter((one) => one !== undefined)
		.sort((a, b) => b.version - a.version);
	return {
		root: root && { version: root.version, sha256: fromHex(root.sha256) },
		targets: newest('targets'),
		snapshot: newest('snapshot'),
		timestamp: newest('timestamp'),
	};
}

function numbersOf({ root, ...others }: SeenAtAdoption): ReadonlyMap<string, number> {
	return new Map(Object.entries({ root: root?.version ?? 0, ...others }).filter(([, version]) => version > 0));
}
