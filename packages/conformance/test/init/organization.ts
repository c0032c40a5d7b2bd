/**
 * What an organization has before it makes an instance: an authority for TLS, a certificate for its hosts, and an OpenID
 * provider that says who people are. All of it listens on loopback.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeOpenIdIssuer, serveOpenIdIssuer } from '@chancery/testkit/openid-issuer';

export interface TlsFiles {
	readonly certificateFile: string;
	readonly keyFile: string;
}

export interface Organization {
	/** PEM, which those trust who are told `SSL_CERT_FILE`. */
	readonly authorityFile: string;
	readonly tls: TlsFiles;
	readonly issuer: string;
	/** Of someone whose address the provider has verified. */
	token(email: string): string;
	close(): Promise<void>;
}

const HOSTS = 'DNS:localhost,IP:127.0.0.1,IP:127.0.0.2,IP:127.0.0.3';

/** Makes its files in `folder`, and starts its provider on `port`. */
export async function openOrganization(folder: string, port: number): Promise<Organization> {
	const [authorityFile, tls] = [join(folder, 'tls-authority.pem'), makeTls(folder)];
	const people = makeOpenIdIssuer(`https://localhost:${port}/realms/people`);
	const { close } = await serveOpenIdIssuer(people, {
		cert: readFileSync(tls.certificateFile),
		key: readFileSync(tls.keyFile),
	});
	return { authorityFile, tls, issuer: people.issuer, token: people.token, close };
}

function makeTls(folder: string): TlsFiles {
	const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' });
	const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
	const authority = ['-keyout', 'tls-authority.key', '-out', 'tls-authority.pem', '-subj', '/O=Example/CN=Example TLS'];
	openssl('req', '-x509', ...newKey, ...authority, '-days', '2');
	openssl(
		'req',
		...newKey,
		'-keyout',
		'tls.key',
		'-out',
		'tls.csr',
		'-subj',
		'/CN=localhost',
		'-addext',
		`subjectAltName=${HOSTS}`,
	);
	const signed = [
		'-CA',
		'tls-authority.pem',
		'-CAkey',
		'tls-authority.key',
		'-copy_extensions',
		'copyall',
		'-days',
		'2',
	];
	openssl('x509', '-req', '-in', 'tls.csr', ...signed, '-out', 'tls.crt');
	return { certificateFile: join(folder, 'tls.crt'), keyFile: join(folder, 'tls.key') };
}
