/** Finding a published file by its name in the repository. */

import { DomainError } from '@chancery/chassis/domain-error';
import { fromHex } from '@chancery/core/bytes';
import { latestMetadata, metadataContent } from '../store/metadata.ts';
import { targetFileContent } from '../store/target-files.ts';
import type { TufDeps } from './publish.ts';

export interface RepositoryFile {
	readonly content: Uint8Array;
	/** Whether the bytes under this name can ever differ. */
	readonly isImmutable: boolean;
}

const VERSIONED = /^([1-9][0-9]{0,8})\.(root|targets|snapshot)\.json$/;
/** The copy of the newest root is for people with curl; no client asks for it. */
const LATEST = /^(timestamp|root)\.json$/;
const TARGET = /^([0-9a-f]{64})\.[a-z0-9][a-z0-9._-]*$/;

/** @throws DomainError `not-found` */
export async function readMetadataFile({ database }: Pick<TufDeps, 'database'>, name: string): Promise<RepositoryFile> {
	const [, version, role] = VERSIONED.exec(name) ?? [];
	if (version && role) {
		const content = await metadataContent(database, role, Number(version));
		if (content) return { content, isImmutable: true };
	}
	const [, latest] = LATEST.exec(name) ?? [];
	const row = latest && (await latestMetadata(database, latest));
	if (row) return { content: row.content, isImmutable: false };
	throw new DomainError('not-found', 'there is no such metadata file');
}

/** @throws DomainError `not-found` */
export async function readTargetFile({ database }: Pick<TufDeps, 'database'>, name: string): Promise<RepositoryFile> {
	const [, hash] = TARGET.exec(name) ?? [];
	const content = hash && (await targetFileContent(database, fromHex(hash)));
	if (content) return { content, isImmutable: true };
	throw new DomainError('not-found', 'there is no such target');
}
