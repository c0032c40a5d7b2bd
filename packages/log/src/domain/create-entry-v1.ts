/**
 * The story of POST /api/v1/log/entries: a proposal becomes an entry, or the entry it already is.
 */
import { DomainError } from '@chancery/chassis/domain-error';
import type { CheckSignature } from '@chancery/wire/entries/check-signature';
import type { ProposedEntry } from '@chancery/wire/rekor-v1';
import { admitV1 } from '../kinds/enabled-kinds.ts';
import type { LogServiceMetrics } from '../metrics.ts';
import { countLogged } from './count-logged.ts';
import { formatEntryId } from './entry-id.ts';
import { type LoggedEntry, logEntry } from './log-entry.ts';
import type { SignatureLogV1 } from './signature-log.ts';

export interface CreateV1Deps {
	readonly v1: SignatureLogV1;
	readonly checkSignature: CheckSignature;
	readonly duplicateStatus: 201 | 409;
	readonly metrics: LogServiceMetrics;
}

/**
 * 1. The proposal is parsed and its signatures are verified: what is wrong with it is said before anything is stored.
 * 2. It is logged. A repeat is found there, however long ago the first one was and whichever process took it.
 * 3. A repeat is an answer like any other, or a refusal that names the entry, as the operator chose. By then the entry
 *    can be read: a published checkpoint covers it.
 */
export async function createEntryV1(deps: CreateV1Deps, proposal: ProposedEntry): Promise<LoggedEntry> {
	const canonical = await admitV1(proposal, deps.checkSignature);
	const logged = await logEntry(deps.v1.log, canonical);
	countLogged(deps.metrics, 'v1', canonical, logged);
	if (logged.duplicate && deps.duplicateStatus === 409) {
		const entryId = formatEntryId(deps.v1.treeId, logged.leafHash);
		throw new DomainError(
			'duplicate-entry',
			`an equivalent entry already exists in the transparency log with UUID ${entryId}`,
			{ headers: { location: `/api/v1/log/entries/${entryId}` } },
		);
	}
	return logged;
}
