/** What a company has before it begins: an authority of its own, a certificate for its names, and an issuer of identity tokens. */
import { generateKeyPairSync, sign } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { opensslIn } from '../kubernetes/openssl.ts';
import type { DebianMachine } from './debian-machine.ts';

const DOMAIN = 'sign.example.com';
const LOGIN = 'login.example.com';
const ISSUER = `https://${LOGIN}/realms/people`;
const TOKEN_SECONDS = 3_600;

export const COMPANY = { domain: DOMAIN, issuer: ISSUER, email: 'you@example.com' } as const;
export const NAMES = [...['ca', 'log', 'log2', 'ctlog', 'tsa', 'tuf'].map((name) => `${name}.${DOMAIN}`), LOGIN];

/** The issuer is files that nginx serves, once it is installed. @returns a token for the mail address */
export async function settle(machine: DebianMachine, folder: string): Promise<string> {
	await writeCertificates(folder);
	const token = await writeIssuer(folder);
	await writeFile(
		join(folder, 'login.conf'),
		`server {
	listen 443 ssl;
	server_name ${LOGIN};
	ssl_certificate /etc/ssl/certs/chancery.pem;
	ssl_certificate_key /etc/ssl/private/chancery.key;
	default_type application/json;
	root /srv/login;
}
`,
	);
	await machine.must(
		'install -d /usr/local/share/ca-certificates /etc/ssl/certs /etc/ssl/private /etc/nginx/conf.d /srv',
	);
	await machine.put(join(folder, 'authority.crt'), '/usr/local/share/ca-certificates/company.crt');
	await machine.put(join(folder, 'chancery.pem'), '/etc/ssl/certs/chancery.pem');
	await machine.put(join(folder, 'chancery.key'), '/etc/ssl/private/chancery.key');
	await machine.put(join(folder, 'login.conf'), '/etc/nginx/conf.d/login.conf');
	await machine.put(join(folder, 'login'), '/srv/login');
	return token;
}

async function writeCertificates(folder: string): Promise<void> {
	const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
	await opensslIn(folder, [
		'req',
		'-x509',
		...key,
		'-keyout',
		'authority.key',
		'-out',
		'authority.crt',
		'-subj',
		'/CN=Example',
		'-days',
		'2',
	]);
	await opensslIn(folder, ['req', ...key, '-keyout', 'chancery.key', '-out', 'chancery.csr', '-subj', `/CN=${DOMAIN}`]);
	await writeFile(join(folder, 'names'), `subjectAltName=${NAMES.map((name) => `DNS:${name}`).join(',')}\n`);
	const by = ['-CA', 'authority.crt', '-CAkey', 'authority.key', '-extfile', 'names'];
	await opensslIn(folder, ['x509', '-req', '-in', 'chancery.csr', ...by, '-days', '2', '-out', 'chancery.pem']);
}

async function writeIssuer(folder: string): Promise<string> {
	const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
	const place = join(folder, 'login', new URL(ISSUER).pathname);
	await mkdir(join(place, '.well-known'), { recursive: true });
	const discovery = {
		issuer: ISSUER,
		jwks_uri: `${ISSUER}/keys`,
		authorization_endpoint: `${ISSUER}/auth`,
		token_endpoint: `${ISSUER}/token`,
		response_types_supported: ['code'],
		subject_types_supported: ['public'],
		id_token_signing_alg_values_supported: ['ES256'],
	};
	await writeFile(join(place, '.well-known/openid-configuration'), JSON.stringify(discovery));
	const key = { ...publicKey.export({ format: 'jwk' }), kid: '1', alg: 'ES256', use: 'sig' };
	await writeFile(join(place, 'keys'), JSON.stringify({ keys: [key] }));
	const iat = Math.floor(Date.now() / 1000);
	const claims = { iss: ISSUER, sub: 'you', aud: 'sigstore', email: COMPANY.email, email_verified: true };
	const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url');
	const signed = `${encode({ alg: 'ES256', kid: '1' })}.${encode({ ...claims, iat, exp: iat + TOKEN_SECONDS })}`;
	const signature = sign('sha256', Buffer.from(signed), { key: privateKey, dsaEncoding: 'ieee-p1363' });
	return `${signed}.${signature.toString('base64url')}`;
}
