/** The files that clients are pointed at, written from what was fetched and verified through TUF. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TufTrust } from '@chancery/client/tuf-client';
import { writeDurably } from '@chancery/postgres/file-modes';
import { CLIENT_TRUST_CONFIG_MEDIA_TYPE } from '@chancery/wire/signing-config';
import type { DataFolder } from '../instance/data-folder.ts';

export interface ClientFiles {
	readonly root: { readonly path: string; readonly sha256: string };
	readonly trustedRoot: string;
	readonly signingConfig: string;
	readonly clientTrustConfig: string;
}

export async function writeClientFiles(
	folder: Pick<DataFolder, 'trust'>,
	firstRoot: Uint8Array,
	trust: TufTrust,
): Promise<ClientFiles> {
	const files = {
		root: { path: join(folder.trust, 'root.json'), sha256: createHash('sha256').update(firstRoot).digest('hex') },
		trustedRoot: join(folder.trust, 'trusted_root.json'),
		signingConfig: join(folder.trust, 'signing_config.v0.2.json'),
		clientTrustConfig: join(folder.trust, 'client_trust_config.json'),
	};
	await writeDurably(files.root.path, firstRoot, 0o644);
	await writeDurably(files.trustedRoot, await readFile(trust.trustedRootPath), 0o644);
	await writeDurably(files.signingConfig, await readFile(trust.signingConfigPath), 0o644);
	const clientTrustConfig = {
		mediaType: CLIENT_TRUST_CONFIG_MEDIA_TYPE,
		trustedRoot: JSON.parse(await readFile(files.trustedRoot, 'utf8')),
		signingConfig: JSON.parse(await readFile(files.signingConfig, 'utf8')),
	};
	await writeDurably(files.clientTrustConfig, `${JSON.stringify(clientTrustConfig, null, 2)}\n`, 0o644);
	return files;
}
