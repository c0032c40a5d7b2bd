/** The heads of the audit: the published one against the tree and its signature, and what lies beyond both. */
import { equalBytes, toHex } from '@chancery/core/bytes';
import { FormatError } from '@chancery/core/format-error';
import type { Findings } from '@chancery/core/log-audit/findings';
import type { WatchedSizes } from '@chancery/core/log-audit/tree-audit';
import type { Hash } from '@chancery/core/merkle';
import type { Sql } from '@chancery/postgres/sql';
import { readBeyondHeads } from '../store/audit-rows.ts';
import type { LogTables } from '../store/log-tables.ts';
import type { LogState } from '../store/publications.ts';

/** What a note says that the log's key has signed. */
export interface SignedHead {
	readonly size: number;
	readonly root: Hash;
	/** Unix milliseconds, where the signature covers a time. */
	readonly timestampMs: number | undefined;
}

/** Opens the note of a log with this origin. @throws {FormatError} when it is malformed or not signed by the log's key */
export type OpenHead = (note: Uint8Array, origin: string) => Promise<SignedHead>;

export interface HeadRules {
	readonly origin: string;
	/** As the row of the log says it. */
	readonly wire: string;
	readonly openHead: OpenHead;
}

export async function checkPublished(
	{ head, published }: LogState,
	roots: WatchedSizes,
	rules: HeadRules,
	findings: Findings,
): Promise<void> {
	if (!published) {
		if (head.size > 0) findings.add('published head', `is missing, ${head.size} entries are integrated`);
		return;
	}
	const { size, root, note, timestampMs } = published;
	if (size > head.size)
		findings.add('published head', `has ${size} entries, only ${head.size} are integrated: entries are missing`);
	checkRoot('published head', published, head, roots, findings);
	await checkNote('checkpoint', { size, root, note, timestampMs }, rules, findings);
}

/** A head of the size of the integrated one may agree with that: then what is wrong has been said already. */
export function checkRoot(
	where: string,
	{ size, root }: { readonly size: number; readonly root: Hash },
	head: LogState['head'],
	roots: WatchedSizes,
	findings: Findings,
): void {
	const made = roots.get(size) ?? [];
	if (size === head.size && equalBytes(root, head.root)) return;
	if (made.length === 0 || made.some((one) => equalBytes(one, root))) return;
	const stored = made.map(toHex).join(' or ');
	findings.add(where, `has root ${toHex(root)} at size ${size}, the stored tree has ${stored}`);
}

export async function checkNote(
	where: string,
	stated: { size: number; root: Hash; note: Uint8Array; timestampMs?: number },
	{ origin, wire, openHead }: HeadRules,
	findings: Findings,
): Promise<void> {
	try {
		const checkpoint = await openHead(stated.note, origin);
		if (checkpoint.size !== stated.size || !equalBytes(checkpoint.root, stated.root))
			findings.add(
				where,
				`is signed for root ${toHex(checkpoint.root)} at size ${checkpoint.size}, beside it stands root ${toHex(stated.root)} at size ${stated.size}`,
			);
		if (wire === 'rfc6962' && stated.timestampMs !== undefined && checkpoint.timestampMs !== stated.timestampMs)
			findings.add(where, `is signed for the time ${checkpoint.timestampMs}, beside it stands ${stated.timestampMs}`);
	} catch (error) {
		if (!(error instanceof FormatError)) throw error;
		findings.add(where, error.message);
	}
}

export async function checkBeyond(sql: Sql, tables: LogTables, findings: Findings): Promise<void> {
	const { entry, tile, receipt } = await readBeyondHeads(sql, tables);
	if (entry !== null) findings.add(`entry ${entry}`, 'lies beyond the integrated head');
	if (tile !== null) findings.add(`tile/${tile}`, 'lies beyond the integrated head');
	if (receipt !== null) findings.add(`entry ${receipt}`, 'has a receipt and lies beyond the published head');
}
