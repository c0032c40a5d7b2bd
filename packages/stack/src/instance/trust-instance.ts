/** The authority of an instance, for a process that calls its services like any client. */
import { existsSync } from 'node:fs';
import { trustAuthorityFile } from '@chancery/net/tls-authorities';
import type { DataFolder } from './data-folder.ts';

/**
 * Trusts the authority that the instance in the folder wrote down for its clients, where it did.
 * @throws {TlsTrustError}
 */
export function trustInstance(folder: DataFolder): void {
	if (existsSync(folder.tlsCa)) trustAuthorityFile(folder.tlsCa, folder.path);
}
