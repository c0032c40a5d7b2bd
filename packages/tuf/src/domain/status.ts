/** What anybody may know of the repository: the versions that are served now, and until when they are good. */
import type { Health } from '@chancery/chassis/service';
import type { TufStatus } from '@chancery/wire/status';
import { ROLES } from '../metadata/metadata.ts';
import { parseMetadata } from '../metadata/signed-metadata.ts';
import { latestMetadata, metadataContent } from '../store/metadata.ts';
import type { TufDeps } from './publish.ts';

type StatusDeps = Pick<TufDeps, 'database' | 'clock' | 'mark'>;
type Role = (typeof ROLES)[number];

/** @throws {DomainError} `repository-read-only` when nothing may be served */
export async function statusOf(deps: StatusDeps, health: () => Promise<Health>): Promise<TufStatus> {
	const { ready } = await health();
	const roles = { root: null, targets: null, snapshot: null, timestamp: null } as TufStatus['roles'];
	for (const role of ROLES) roles[role] = await servedVersion(deps, role);
	return { service: 'tuf', ready, roles };
}

/** Not what the database has beyond that: another replica may not have marked it yet. */
async function servedVersion({ database, mark }: StatusDeps, role: Role): Promise<TufStatus['roles'][Role]> {
	const newest = await latestMetadata(database, role);
	const served = await mark.served(role, newest?.version);
	if (!served) return null;
	if (newest?.version === served.version) return { version: newest.version, expires: newest.expiresAt.toISOString() };
	const content = await metadataContent(database, role, served.version);
	return content ? { version: served.version, expires: parseMetadata(content, role).signed.expires } : null;
}
