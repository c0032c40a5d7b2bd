/** What a company has before it begins: an authority of its own, a certificate for its names, and an issuer of identity tokens. */
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { makeOpenIdIssuer } from '@chancery/testkit/openid-issuer';
import { opensslIn } from '../kubernetes/openssl.ts';
import type { DebianMachine } from './debian-machine.ts';

const DOMAIN = 'sign.example.com';
const LOGIN = 'login.example.com';
const ISSUER = `https://${LOGIN}/realms/people`;

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
	const { documents, token } = makeOpenIdIssuer(ISSUER);
	for (const [path, document] of Object.entries(documents)) {
		const file = join(folder, 'login', path);
		await mkdir(dirname(file), { recursive: true });
		await writeFile(file, document);
	}
	return token(COMPANY.email);
}
