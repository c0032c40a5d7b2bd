/**
 * Certificates by openssl, so that our own writer does not judge our own reader.
 */
import { OpensslFolder } from '@chancery/testkit/openssl-folder';
import type { KeyPair } from './proposals.ts';

/**
 * PEM of a self-signed certificate for the key, with extensions as an openssl configuration writes them. `signing` are
 * options of `openssl x509`.
 */
export function certificateOf(key: KeyPair, extensions: string, ...signing: string[]): string {
	using folder = new OpensslFolder({
		'key.pem': key.privateKey.export({ type: 'pkcs8', format: 'pem' }),
		extensions: `${extensions}\n`,
	});
	folder.run('req', '-new', '-key', 'key.pem', '-subj', '/CN=test', '-out', 'request.pem');
	const signed = ['-in', 'request.pem', '-signkey', 'key.pem', '-extfile', 'extensions'];
	return folder.run('x509', '-req', ...signed, ...signing);
}
