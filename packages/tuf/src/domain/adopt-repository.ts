/**
 * `tuf adopt-repository`: an operator declares that this database is the true repository, and the mark is to follow it.
 *
 * The one way out of a missing mark, and the dangerous way out of a database that was set back: clients that have seen
 * newer files refuse older ones. So the versions they have seen are written down first, and the next snapshot, timestamp
 * and targets get larger ones. Roots cannot be skipped: publish the lost ones again, byte for byte, before any other.
 */
import { DomainError } from '@chancery/chassis/domain-error';
import { toHex } from '@chancery/core/bytes';
import type { AdoptableMarkStore } from '@chancery/postgres/mark';
import type { Database } from '@chancery/postgres/sql';
import { insertAdoption, replaceMarkHolder, SHARED_HOLDER } from '../store/mark-holder.ts';
import { metadataHash, newestFiles } from '../store/metadata.ts';
import { markOf, type PublishedVersions, versionsIn } from './published-versions.ts';

export interface AdoptionOrder {
	readonly database: Database;
	readonly mark: AdoptableMarkStore;
	/** Base URL of the repository. */
	readonly origin: string;
	/** The newest timestamp in the database, as the operator read it; 0 when there is none. Another one is refused. */
	readonly expect: number;
	/** For the record: who and why. */
	readonly reason: string;
}

export interface Adoption {
	/** What the overruled mark said; undefined when there was none, or it could not be made out. */
	readonly previous: PublishedVersions | undefined;
	readonly adopted: PublishedVersions;
}

/**
 * Every process that has the repository open must be started anew afterwards, except the one that does it.
 * @throws DomainError `wrong-version`, `no-root`
 */
export async function adoptRepository({ database, mark, origin, expect, reason }: AdoptionOrder): Promise<Adoption> {
	const files = await newestFiles(database);
	const adopted: PublishedVersions = new Map(
		files.map(({ role, version, sha256 }) => [role, { version, sha256: toHex(sha256) }]),
	);
	const firstRoot = await metadataHash(database, 'root', 1);
	if (!firstRoot) throw new DomainError('no-root', 'the repository has published nothing that could be adopted');
	const newest = adopted.get('timestamp')?.version ?? 0;
	if (newest !== expect)
		throw new DomainError('wrong-version', `the newest timestamp in the database is ${newest}, expected was ${expect}`);
	// What cannot be read is what may be overruled here.
	const overruled = await mark.read().catch(() => undefined);
	const previous = overruled && toHex(overruled.keyId) === toHex(firstRoot) ? versionsIn(overruled) : undefined;
	const seen = (role: string) => previous?.get(role)?.version ?? 0;
	// The record first: a crash before the mark is set leaves a record of an attempt, and a repository that still refuses.
	await insertAdoption(database, {
		reason,
		previous: overruled?.note,
		seen: { targets: seen('targets'), snapshot: seen('snapshot'), timestamp: seen('timestamp') },
	});
	await mark.replace(markOf(origin, firstRoot, adopted));
	await replaceMarkHolder(database, (await mark.holder?.()) ?? SHARED_HOLDER);
	return { previous, adopted };
}
