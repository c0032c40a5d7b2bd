/** Whether a client could update now, and whether the repository can go on doing what clients need of it. */
import { DomainError } from '@chancery/chassis/domain-error';
import type { Health } from '@chancery/chassis/service';
import type { MarkWritability } from '@chancery/postgres/mark/mark-probe';
import { ROLES } from '../metadata/metadata.ts';
import { isSignedUnder, parseMetadata } from '../metadata/signed-metadata.ts';
import { latestMetadata } from '../store/metadata.ts';
import type { TufDeps } from './publish.ts';

const DAY_MS = 86_400_000;

/**
 * Ready when what is published may be served and the mark can be read and written, all four roles are published, none has
 * expired, and the newest root lists the keys that signed them. Without its mark a repository serves what it has, and cannot
 * renew it: that is to be seen while there is time. After a root that changed the targets keys, clients have no targets until
 * these are signed again.
 */
export async function checkHealth(
	{ database, clock, mark }: Pick<TufDeps, 'database' | 'clock' | 'mark'>,
	writability: MarkWritability,
): Promise<Health> {
	const rootRow = await latestMetadata(database, 'root');
	const root = rootRow && parseMetadata(rootRow.content, 'root').signed;
	await mark.compareOnce().catch((error: unknown) => {
		if (!(error instanceof DomainError)) throw error;
	});
	const { problem, isServable } = mark;
	const checks: Record<string, { ok: boolean; detail: string }> = {
		mark: {
			ok: problem === undefined && writability.ok,
			detail: problem ?? (writability.ok ? 'fits the database' : writability.detail),
		},
	};
	for (const role of ROLES) {
		const row = await latestMetadata(database, role);
		if (!row) {
			checks[role] = { ok: false, detail: 'not published' };
			continue;
		}
		const daysLeft = (row.expiresAt.getTime() - clock()) / DAY_MS;
		const isVouchedFor = root !== undefined && isSignedUnder(root, role, row.content);
		checks[role] = {
			ok: daysLeft > 0 && isVouchedFor,
			detail: `version ${row.version}, ${daysLeft.toFixed(1)} days left${isVouchedFor ? '' : ', not signed by the keys of the newest root'}`,
		};
	}
	const required = ['mark', ...ROLES].every((name) => checks[name]?.ok);
	return { ready: required && isServable, checks };
}
