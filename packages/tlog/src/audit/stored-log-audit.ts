/**
 * The audit of a log as it is stored: entries, tiles, both heads, checkpoint, mark and receipts, all recomputed and all
 * compared. The database is only read, a bundle at a time, and may be written to meanwhile.
 */
import { equalBytes, toHex } from '@chancery/core/bytes';
import { type AuditReport, Findings } from '@chancery/core/log-audit/findings';
import { auditTree } from '@chancery/core/log-audit/tree-audit';
import type { LookedAtMark } from '@chancery/postgres/mark/mark';
import type { Database } from '@chancery/postgres/sql';
import { listAcceptedLeads } from '../store/accepted-leads.ts';
import { readLogRow } from '../store/log-rows.ts';
import { logTables } from '../store/log-tables.ts';
import { readState } from '../store/publications.ts';
import type { ReceiptCheck } from './entry-audit.ts';
import { checkBeyond, checkPublished, type OpenHead } from './head-audit.ts';
import { checkMark, readMark } from './mark-audit.ts';
import { storedTree } from './tile-audit.ts';

export type { ReceiptCheck } from './entry-audit.ts';

export interface StoredLog {
	readonly database: Database;
	/** Schema with the engine's tables. */
	readonly schema: string;
	readonly logId: string;
	/** DER of the log's key as the instance has it: what the database says of itself is compared with it. */
	readonly publicKey: Uint8Array;
	readonly mark: LookedAtMark;
	readonly openHead: OpenHead;
	/** What the receipts of a log on this wire have to be; `wire` as the row of the log says it. */
	readonly receiptCheck: (wire: string) => ReceiptCheck;
	readonly onProgress?: (entries: number, size: number) => void;
}

/** More than anyone accepts in the life of a log. */
const MAX_RESTARTS = 10_000;

/** @throws whatever the database throws when it cannot be asked at all */
export async function auditStoredLog(log: StoredLog): Promise<AuditReport> {
	const { database, publicKey, openHead, onProgress } = log;
	const tables = logTables(log.schema, log.logId);
	const findings = new Findings();
	// The mark first: published is never behind it, so a log that goes on publishing does not look wrong.
	const mark = await readMark(log.mark, findings);
	const row = await readLogRow(database, tables);
	const state = await readState(database, tables);
	if (!row || !state) {
		findings.add('log', `there is no ${row ? 'head' : 'row'} of ${tables.logId}`);
		return {
			origin: row?.origin ?? '',
			size: undefined,
			root: undefined,
			findings: findings.kept,
			count: findings.count,
		};
	}
	const { origin, wire } = row;
	if (!equalBytes(row.publicKey, publicKey))
		findings.add('log', `its row has the public key ${toHex(row.publicKey)}, the instance has ${toHex(publicKey)}`);

	const { head, published } = state;
	const leads = await listAcceptedLeads(database, tables, MAX_RESTARTS);
	const entryRules = {
		checkReceipt: log.receiptCheck(wire),
		restarts: new Map(leads.map((lead) => [lead.size, lead])),
		publishedSize: published?.size ?? 0,
	};
	const roots = await auditTree(storedTree(database, tables, entryRules, findings), {
		size: head.size,
		root: head.root,
		claimant: 'the integrated head',
		findings,
		watch: [published, mark].flatMap((claim) => (claim ? [claim.size] : [])),
		onProgress: (entries) => onProgress?.(entries, head.size),
	});
	const headRules = { origin, wire, openHead, publicKey };
	await checkPublished(state, roots, headRules, findings);
	if (mark) await checkMark(mark, state, roots, headRules, findings);
	await checkBeyond(database, tables, findings);
	const size = published?.size;
	const root = published && toHex(published.root);
	return { origin, size, root, findings: findings.kept, count: findings.count };
}
