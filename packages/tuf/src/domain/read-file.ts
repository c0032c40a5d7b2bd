/** Finding a published file by its name in the repository. */

import { DomainError } from '@chancery/chassis/domain-error';
import { fromHex, toHex } from '@chancery/core/bytes';
import { sha256 } from '@chancery/core/sha';
import { latestMetadata, metadataContent } from '../store/metadata.ts';
import { targetFileContent } from '../store/target-files.ts';
import type { TufDeps } from './publish.ts';
import type { PublishedVersion } from './published-versions.ts';

export interface RepositoryFile {
	readonly content: Uint8Array;
	/** Whether the bytes under this name can ever differ. */
	readonly isImmutable: boolean;
}

const VERSIONED = /^([1-9][0-9]{0,8})\.(root|targets|snapshot)\.json$/;
/** The copy of the newest root is for people with curl; no client requests it. */
const LATEST = /^(timestamp|root)\.json$/;
const TARGET = /^([0-9a-f]{64})\.[a-z0-9][a-z0-9._-]*$/;

type ReadDeps = Pick<TufDeps, 'database' | 'mark'>;

/** @throws {DomainError} `not-found`; `repository-read-only` when the database has lost what was published */
export async function readMetadataFile(deps: ReadDeps, name: string): Promise<RepositoryFile> {
	const [, version, role] = VERSIONED.exec(name) ?? [];
	const [, latest] = LATEST.exec(name) ?? [];
	const content =
		version && role
			? await readVersion(deps, role, Number(version))
			: latest === undefined
				? undefined
				: await readNewest(deps, latest);
	if (content) return { content, isImmutable: version !== undefined };
	throw new DomainError('not-found', 'there is no such metadata file');
}

async function readVersion(
	{ database, mark }: ReadDeps,
	role: string,
	version: number,
): Promise<Uint8Array | undefined> {
	const content = await metadataContent(database, role, version);
	const newest = await mark.served(role, content && version);
	if ((newest?.version ?? 0) < version) return undefined;
	if (newest?.version === version) return asSeen({ database, mark }, role, newest, content);
	// Versions are skipped after an adoption. Otherwise the file was there when it was marked: find out why it is gone.
	if (!content) await mark.compareOnce();
	return content;
}

async function readNewest({ database, mark }: ReadDeps, role: string): Promise<Uint8Array | undefined> {
	const row = await latestMetadata(database, role);
	const newest = await mark.served(role, row?.version);
	if (!newest) return undefined;
	const content = row?.version === newest.version ? row.content : await metadataContent(database, role, newest.version);
	return asSeen({ database, mark }, role, newest, content);
}

/** The file is gone, or differs from what clients have seen: the comparison says which, and nothing more is served. */
async function asSeen(
	{ database, mark }: ReadDeps,
	role: string,
	{ version, sha256: seen }: PublishedVersion,
	content: Uint8Array | undefined,
): Promise<Uint8Array | undefined> {
	if (content && toHex(sha256(content)) === seen) return content;
	await mark.compareOnce();
	// Everything is there: the read came from another server, or from an earlier moment.
	const again = await metadataContent(database, role, version);
	return again && toHex(sha256(again)) === seen ? again : undefined;
}

/** @throws {DomainError} `not-found`, `repository-read-only` */
export async function readTargetFile({ database, mark }: ReadDeps, name: string): Promise<RepositoryFile> {
	await mark.served('targets');
	const [, hash] = TARGET.exec(name) ?? [];
	const content = hash && (await targetFileContent(database, fromHex(hash)));
	if (content) return { content, isImmutable: true };
	throw new DomainError('not-found', 'there is no such target');
}
