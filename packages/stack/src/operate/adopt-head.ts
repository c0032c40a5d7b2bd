/**
 * `chancery log adopt-head`: the deliberate way on for a log that is read-only because its mark is missing, or says
 * something else than the database. Nothing else may have the instance open.
 */
import { openFileMark } from '@chancery/postgres/mark/file-mark';
import { type Adoption, adoptHead as adopt } from '@chancery/tlog/adopt-head';
import { openStoppedLog } from './stopped-log.ts';

export interface AdoptionOrder {
	readonly data: string;
	readonly log: string;
	/** Size of the published head as the operator read it; another one in the database is refused. */
	readonly size: number;
	/** For the record in the database: who and why. */
	readonly reason: string;
	readonly say: (line: string) => void;
}

/** @throws {Refusal}, TlogError `out-of-range` or `identity-mismatch` */
export async function adoptHead({ size, reason, ...order }: AdoptionOrder): Promise<Adoption> {
	await using cleanup = new AsyncDisposableStack();
	const { markFile, ...log } = await openStoppedLog(order, cleanup);
	const mark = openFileMark(markFile);
	cleanup.defer(() => mark.close?.());
	// Awaited here: what the stack holds is closed when this function is left.
	return await adopt({ ...log, mark, expect: size, reason });
}
