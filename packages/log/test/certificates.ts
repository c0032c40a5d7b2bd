/**
 * Certificates by openssl, so that our own writer does not judge our own reader.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { KeyPair } from './proposals.ts';

/** PEM of a self-signed certificate for the key, with extensions as an openssl configuration writes them. */
export function certificateOf(key: KeyPair, extensions: string): string {
	const folder = mkdtempSync(join(tmpdir(), 'certificate-'));
	const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' });
	try {
		writeFileSync(join(folder, 'key.pem'), key.privateKey.export({ type: 'pkcs8', format: 'pem' }));
		writeFileSync(join(folder, 'extensions'), `${extensions}\n`);
		openssl('req', '-new', '-key', 'key.pem', '-subj', '/CN=test', '-out', 'request.pem');
		openssl(
			'x509',
			'-req',
			'-in',
			'request.pem',
			'-signkey',
			'key.pem',
			'-extfile',
			'extensions',
			'-out',
			'certificate.pem',
		);
		return readFileSync(join(folder, 'certificate.pem'), 'utf8');
	} finally {
		rmSync(folder, { recursive: true });
	}
}
