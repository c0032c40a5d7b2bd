/**
 * `log adopt-head`: an operator declares that the database's head is the true one and the mark is to follow it.
 *
 * This is the one way out of a missing mark, and the dangerous way out of a rolled-back or forked database: whoever saw
 * the published checkpoints that the database does not have can prove that the log broke its promise. The adoption is
 * recorded in the database with what it overruled.
 */
import { equalBytes, toHex } from '@chancery/core/bytes';
import { rootAt } from '@chancery/core/proof';
import { sha256 } from '@chancery/core/sha';
import type { AdoptableMarkStore, Mark } from '@chancery/postgres/mark/mark';
import type { Database } from '@chancery/postgres/sql';
import type { LogIdentity } from '../log-identity.ts';
import { requireIdentity } from '../store/identity-check.ts';
import { logTables } from '../store/log-tables.ts';
import { insertAdoption, reassignMark } from '../store/mark-holders.ts';
import { readState } from '../store/publications.ts';
import { TlogError } from '../tlog-error.ts';
import { hashReader } from '../tree/hash-reader.ts';

export interface Adoption {
	/** The mark that was overruled; undefined when there was none or it could not be made out. */
	readonly previous: Mark | undefined;
	readonly adopted: Mark;
}

/**
 * Sets the mark to the published head of the database. Run it while no process has the log open.
 * `expect` is the size the operator read and means; another one in the database refuses.
 * @throws {TlogError} `identity-mismatch`, `out-of-range` (another size, nothing published, stored root not reproducible);
 * {MarkInUseError} while a process has the mark open, where its place knows that.
 */
export async function adoptHead(options: {
	database: Database;
	schema: string;
	identity: LogIdentity;
	mark: AdoptableMarkStore;
	/** Size of the published head that is to be adopted. */
	expect: number;
	/** For the record: who and why. */
	reason: string;
}): Promise<Adoption> {
	// Whoever has the log open would go on with what it knows: nobody may, until the head is adopted.
	const shareAgain = await options.mark.takeAlone?.();
	try {
		return await adopt(options);
	} finally {
		await shareAgain?.();
	}
}

async function adopt({
	database,
	schema,
	identity,
	mark: store,
	expect,
	reason,
}: Parameters<typeof adoptHead>[0]): Promise<Adoption> {
	const tables = logTables(schema, identity.logId);
	await requireIdentity(database, tables, identity);
	const state = await readState(database, tables);
	const published = state?.published;
	if (!published) throw new TlogError('out-of-range', 'the log has not published anything that could be adopted');
	if (published.size !== expect)
		throw new TlogError('out-of-range', `the published head is at size ${published.size}, expected was ${expect}`);
	const root = await rootAt(published.size, hashReader({ sql: database, tables }, published.size));
	if (!equalBytes(root, published.root))
		throw new TlogError(
			'out-of-range',
			`the stored entries make root ${toHex(root)}, the published checkpoint says ${toHex(published.root)}`,
		);
	// What cannot be read is what may be overruled here.
	const previous = await store.read().catch(() => undefined);
	const adopted: Mark = {
		origin: identity.origin,
		keyId: sha256(identity.publicKey),
		size: published.size,
		root: published.root,
		note: published.note,
	};
	// The record first: a crash before the mark is set leaves a record of an attempt and a log that is still read-only.
	await insertAdoption(database, tables, { previous, head: published, reason });
	await store.replace(adopted);
	if (store.holder) await reassignMark(database, tables, await store.holder());
	return { previous, adopted };
}
