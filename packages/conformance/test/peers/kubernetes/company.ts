/** The company in which the cluster is: its authority for TLS, its issuer, and its names. */
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';
import { runProgram } from './control-plane.ts';
import { BRIDGE, HOST_ADDRESS } from './node.ts';
import { opensslIn } from './openssl.ts';
import type { OperatorShell } from './operator-shell.ts';
import { startProgram, until } from './started-program.ts';

export interface Company {
	/** Host name -> address: of the ingress, or of the issuer. */
	readonly hosts: ReadonlyMap<string, string>;
	/** Path of the certificate of its authority. */
	readonly authority: string;
	/** Of its issuer, for you@example.com. */
	readonly token: string;
	/** Into the folder of an operator, under the names of the page. */
	writeCertificates(folder: string): Promise<void>;
	/** Adds the identity provider of the project, which the page does without, to the values of a site. */
	addIdentity(shell: OperatorShell, site: Record<string, unknown>): Promise<void>;
	close(): Promise<void>;
}

const ISSUER_ADDRESS = '10.95.1.1';
const ISSUER = join(import.meta.dirname, '../../pages/operate/issuer.ts');
const NAMES = ['id', 'ca', 'log', 'log2', 'ctlog', 'tsa', 'tuf'].map((name) => `${name}.sign.example.com`);
const ISSUER_NAME = 'login.example.com';
const STARTED_WITHIN_MS = 60_000;

export async function makeCompany(folder: string): Promise<Company> {
	await using stack = new AsyncDisposableStack();
	await mkdir(folder, { recursive: true, mode: 0o700 });
	await opensslIn(folder, ['req', '-x509', ...NEW_KEY, '-subj', '/CN=Company', '-keyout', 'ca.key', '-out', 'ca.crt']);
	await certify(folder, 'others', [ISSUER_NAME]);
	await certify(folder, 'tls', ['*.signing.svc', 'localhost']);
	await certify(folder, 'public', NAMES);
	const hosts = new Map([...NAMES.map((name) => [name, HOST_ADDRESS] as const), [ISSUER_NAME, ISSUER_ADDRESS]]);
	await runProgram('ip', ['address', 'add', `${ISSUER_ADDRESS}/32`, 'dev', BRIDGE]);
	const hostsFile = join(folder, 'hosts');
	await writeFile(hostsFile, `${ISSUER_ADDRESS} ${ISSUER_NAME}\n`);
	const inside = 'mount --bind "$1" /etc/hosts && exec "$2" "$3" "$4"';
	const command = ['unshare', '--mount', '--propagation', 'private', 'sh', '-c', inside, 'sh'];
	const issuer = startProgram(
		'the issuer',
		[...command, hostsFile, process.execPath, ISSUER, folder],
		join(folder, 'issuer.log'),
	);
	stack.defer(() => issuer.end());
	const tokenFile = join(folder, 'token');
	await until(
		'a token of the issuer',
		STARTED_WITHIN_MS,
		async () => (await readFile(tokenFile)).length > 0,
		() => issuer.tail(),
	);
	const token = await readFile(tokenFile, 'utf8');
	const opened = stack.move();
	return {
		hosts,
		authority: join(folder, 'ca.crt'),
		token,
		writeCertificates: async (to) => {
			for (const name of ['tls.crt', 'tls.key', 'ca.crt', 'public.crt', 'public.key'])
				await copyFile(join(folder, name), join(to, name));
		},
		addIdentity,
		close: () => opened.disposeAsync(),
	};
}

const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '30'];

async function certify(folder: string, name: string, names: readonly string[]): Promise<void> {
	const subject = ['-subj', `/CN=${name}`, '-addext', `subjectAltName=${names.map((it) => `DNS:${it}`).join(',')}`];
	const issued = ['-CA', 'ca.crt', '-CAkey', 'ca.key', '-addext', 'basicConstraints=critical,CA:FALSE'];
	const files = ['-keyout', `${name}.key`, '-out', `${name}.crt`];
	await opensslIn(folder, ['req', '-x509', ...NEW_KEY, ...subject, ...issued, ...files]);
}

async function addIdentity(shell: OperatorShell, site: Record<string, unknown>): Promise<void> {
	await shell.paste(`test -d instance/hosts/identity || {
		chancery init --example development > home/development.yaml
		chancery init --answers home/development.yaml --out home/development
		mkdir -p instance/hosts/identity/secrets
		cp home/development/secrets/identity.jwks.json instance/hosts/identity/secrets/
	}`);
	const values = parse(await readFile(join(shell.folder, 'values.yaml'), 'utf8')) as {
		config: { ca: { admin: object } };
	};
	site.roles = { ...(site.roles as object), identity: { enabled: true } };
	site.config = {
		...(site.config as object),
		identity: {
			publicUrl: 'https://id.sign.example.com',
			signingJwks: { file: 'secrets/identity.jwks.json' },
			admin: values.config.ca.admin,
		},
	};
}
