/**
 * How a root stops being accepted, and what can be seen of that. What was logged under it stays as it is: entries, proofs
 * and issuers are about the tree, not about whom the log would believe today.
 */
import { DomainError } from '@chancery/chassis/domain-error';
import { fromHex, toHex } from '@chancery/core/bytes';
import { nameToString, parseCertificate } from '@chancery/core/certificate';
import type { Sql } from '@chancery/postgres/sql';
import { insertRootChange, listRoots, lockRoot, type RootChange } from '../store/accepted-roots.ts';
import type { RootDeps } from './register-root.ts';

/**
 * Retires a root for all submissions that begin after this returns; other processes follow within a second. Repeating it
 * changes nothing.
 * @param fingerprint SHA-256 of its DER in hexadecimal
 * @throws {DomainError} `no-such-root`
 */
export async function retireRoot(
	deps: Omit<RootDeps, 'check'>,
	fingerprint: string,
	{ by, reason }: { readonly by: string; readonly reason: string },
): Promise<{ readonly retiredAt: Date }> {
	const hash = fromHex(fingerprint);
	const now = new Date(deps.clock());
	// A crash before the commit leaves the root accepted and nothing on record; after it, every process reads the table.
	const retiredAt = await deps.database.transaction(async (sql) => {
		const root = await lockRoot(sql, hash);
		if (!root) throw new DomainError('no-such-root', 'no root with this SHA-256 was ever accepted');
		if (root.lastChange?.change === 'retired') return root.lastChange.changedAt;
		await insertRootChange(sql, hash, { change: 'retired', changedAt: now, changedBy: by, reason });
		return now;
	});
	if (retiredAt === now)
		deps.logger.info(
			{ audit: true, caller: by, root: fingerprint, change: 'retired', why: reason },
			'the accepted roots have changed',
		);
	await deps.roots.reload();
	return { retiredAt };
}

export interface DescribedRoot {
	/** Hexadecimal. */
	readonly sha256: string;
	readonly subject: string;
	readonly state: 'accepted' | 'retired';
	readonly registeredAt: Date;
	readonly registeredBy: string;
	readonly lastChange: RootChange | undefined;
}

/** Every root that was ever accepted, oldest first. */
export async function describeRoots(sql: Sql): Promise<DescribedRoot[]> {
	return (await listRoots(sql)).map(({ sha256, certificate, registeredAt, registeredBy, lastChange }) => ({
		sha256: toHex(sha256),
		subject: nameToString(parseCertificate(certificate).subject),
		state: lastChange?.change === 'retired' ? 'retired' : 'accepted',
		registeredAt,
		registeredBy,
		lastChange,
	}));
}
