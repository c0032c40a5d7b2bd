/** A service's own certificate, for calls to listeners that ask their clients for one. */
import type { ClientCertificate } from '@chancery/net/http-transport';
import type { TlsFiles } from '../config/tls-section.ts';
import { openTlsPair } from './tls-pair.ts';

/**
 * Reads certificate and key with the checks of a listener's. Read at every call: what was renewed meanwhile is shown.
 * @throws {ConfigError} naming the file, what is wrong with it, and what to do
 */
export async function readClientCertificate(
	files: Pick<TlsFiles, 'certificateFile' | 'keyFile'>,
	nowMs: number,
): Promise<ClientCertificate> {
	const { contents } = await openTlsPair(files, nowMs);
	return { certificate: contents.certificate, key: contents.key };
}
