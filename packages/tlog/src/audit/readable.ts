/** Reads of a database whose own files may be damaged. */
import type { Findings } from '@chancery/core/log-audit/findings';
import { sqlState } from '@chancery/postgres/pg-errors';

/** What the server cannot read, because its own files are damaged (class XX), is a finding; the rest can be audited. */
export async function readable<T>(findings: Findings, where: string, read: () => Promise<T>): Promise<T | undefined> {
	try {
		return await read();
	} catch (error) {
		if (!sqlState(error)?.startsWith('XX')) throw error;
		findings.add(where, `cannot be read: ${error instanceof Error ? error.message : String(error)}`);
		return undefined;
	}
}
