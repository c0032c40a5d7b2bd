/**
 * What an organization has before it makes an instance: an authority for TLS, a certificate for its hosts, and an OpenID
 * provider that says who people are. All of it listens on loopback.
 */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { join } from 'node:path';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';

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
	token(email: string): Promise<string>;
	close(): Promise<void>;
}

const HOSTS = 'DNS:localhost,IP:127.0.0.1,IP:127.0.0.2,IP:127.0.0.3';
const MINUTES_10 = 600;

/** Makes its files in `folder`, and starts its provider on `port`. */
export async function openOrganization(folder: string, port: number): Promise<Organization> {
	const [authorityFile, tls] = [join(folder, 'tls-authority.pem'), makeTls(folder)];
	const issuer = `https://localhost:${port}/realms/people`;
	const { privateKey, publicKey } = await generateKeyPair('ES256');
	const jwks = { keys: [{ ...(await exportJWK(publicKey)), kid: 'people', alg: 'ES256', use: 'sig' }] };
	const documents: Readonly<Record<string, unknown>> = {
		'/realms/people/.well-known/openid-configuration': {
			issuer,
			jwks_uri: `${issuer}/keys`,
			authorization_endpoint: `${issuer}/authorize`,
			response_types_supported: ['code'],
			subject_types_supported: ['public'],
			id_token_signing_alg_values_supported: ['ES256'],
		},
		'/realms/people/keys': jwks,
	};
	const server = createServer(
		{ cert: readFileSync(tls.certificateFile), key: readFileSync(tls.keyFile) },
		({ url = '' }, answer) => {
			const document = documents[url];
			answer.writeHead(document === undefined ? 404 : 200, { 'content-type': 'application/json' });
			answer.end(JSON.stringify(document ?? {}));
		},
	);
	await once(server.listen(port, 'localhost'), 'listening');
	return {
		authorityFile,
		tls,
		issuer,
		token: (email) =>
			new SignJWT({ email, email_verified: true })
				.setProtectedHeader({ alg: 'ES256', kid: 'people' })
				.setIssuer(issuer)
				.setAudience('sigstore')
				.setSubject(email)
				.setIssuedAt()
				.setExpirationTime(Math.floor(Date.now() / 1000) + MINUTES_10)
				.sign(privateKey),
		close: async () => {
			server.closeAllConnections();
			await once(server.close(), 'close');
		},
	};
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
