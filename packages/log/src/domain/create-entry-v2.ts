/**
 * The story of POST /api/v2/log/entries; the steps are those of the v1 wire.
 */
import { DomainError } from '@chancery/chassis/domain-error';
import type { CheckSignature } from '@chancery/wire/entries/check-signature';
import type { CreateEntryRequest } from '@chancery/wire/rekor-v2';
import { admitV2 } from '../kinds/enabled-kinds.ts';
import type { LogServiceMetrics } from '../metrics.ts';
import { countLogged } from './count-logged.ts';
import { type LoggedEntry, logEntry } from './log-entry.ts';
import type { SignatureLogV2 } from './signature-log.ts';

export interface CreateV2Deps {
	readonly v2: SignatureLogV2;
	readonly checkSignature: CheckSignature;
	readonly duplicateStatus: 201 | 409;
	readonly metrics: LogServiceMetrics;
}

/** An entry as logged, with the kind under which it is. */
export interface LoggedKindEntry extends LoggedEntry {
	readonly kind: string;
	readonly version: string;
}

export async function createEntryV2(deps: CreateV2Deps, request: CreateEntryRequest): Promise<LoggedKindEntry> {
	const canonical = await admitV2(request, deps.checkSignature);
	const logged = await logEntry(deps.v2.log, canonical);
	countLogged(deps.metrics, 'v2', canonical, logged);
	if (logged.duplicate && deps.duplicateStatus === 409) {
		throw new DomainError(
			'duplicate-entry',
			`an equivalent entry already exists in the transparency log with index ${logged.index}`,
			{ headers: { 'x-log-index': String(logged.index) } },
		);
	}
	return { ...logged, kind: canonical.kind, version: canonical.version };
}
