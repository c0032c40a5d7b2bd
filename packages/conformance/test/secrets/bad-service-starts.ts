/** Services that cannot start: secrets that are wrong, broken, or in the place of something else. */
import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ServicesScenario } from './services-scenario.ts';

const CONCURRENT = 3;

export async function badServiceStarts(scenario: ServicesScenario): Promise<void> {
	const { registry, testbed, base, outside, server } = scenario;
	const { config, keyFile } = testbed;
	const misplaced = registry.addText('misplaced secret', 'hunter2-misplaced-0000-secret');
	const { database } = config;
	const { tsa = {}, identity = {}, ca = {}, tuf = {}, ctlog = {} } = config;
	const fileKey = { uri: `file:${keyFile.path}`, passphrase: { file: join(base, 'secrets/tsa.passphrase') } };
	const withKey = (key: unknown, more: object = {}) => ({ database, tsa: { ...tsa, keys: { signer: key } }, ...more });
	const wrong = join(outside, 'wrong');
	await writeFile(wrong, `${misplaced}\n`, { mode: 0o600 });

	const { tls } = testbed;
	const withTls = (changes: object) => ({
		tsa: {
			...tsa,
			listen: { ...(tsa.listen as object), public: { host: 'localhost', port: 0, tls: { ...tls, ...changes } } },
		},
	});

	const spoilt = async (name: string, change: (text: string) => string, mode = 0o600) => {
		const path = join(outside, `spoilt-${name}.pem`);
		await writeFile(path, change(await readFile(keyFile.path, 'utf8')));
		await chmod(path, mode);
		return { ...fileKey, uri: `file:${path}` };
	};
	// A service that asks its database before it listens.
	const at = (url: string) => ({ database: { url }, ctlog });
	const urlWith = (change: (url: URL) => void) => {
		const url = new URL(server.url);
		change(url);
		return url.href;
	};
	const hsm = testbed.token?.uri('object=tsa');
	const yaml = (text: string) =>
		`profile: development\ndatabase: { url: "${server.url.replace(/:[^:@]+@/, ':x@')}" }\ntsa:\n  publicUrl: http://localhost\n${text}\n`;

	const starts: [
		what: string,
		service: 'tsa' | 'identity' | 'ca' | 'tuf' | 'ctlog',
		config: unknown,
		env?: NodeJS.ProcessEnv,
		args?: string[],
	][] = [
		// Keys and what opens them.
		['wrong passphrase', 'tsa', withKey({ ...fileKey, passphrase: { file: wrong } })],
		['passphrase in the clear', 'tsa', withKey({ ...fileKey, passphrase: misplaced })],
		['passphrase in braces', 'tsa', withKey({ ...fileKey, passphrase: { [misplaced]: null } })],
		['passphrase as the name of a variable', 'tsa', withKey({ ...fileKey, passphrase: { env: 'NO_SUCH' } })],
		['passphrase for a list', 'tsa', withKey({ ...fileKey, passphrase: [misplaced] })],
		['secret for a URI', 'tsa', withKey({ uri: misplaced })],
		['secret for a key', 'tsa', withKey(misplaced)],
		['secret for a flag', 'tsa', withKey({ ...fileKey, requireEncrypted: misplaced })],
		['unknown member with a secret', 'tsa', withKey({ ...fileKey, passphras: misplaced })],
		[
			'passphrase for a key in the clear',
			'ca',
			{ database, ca: { ...ca, keys: { issuing: { ...(await spoilt('clear', () => clearPem(scenario))) } } } },
		],
		['key with text around it', 'tsa', withKey(await spoilt('text', (text) => `${misplaced}\n${text}${misplaced}`))],
		['key that is only text', 'tsa', withKey(await spoilt('only-text', () => misplaced))],
		['key that was cut', 'tsa', withKey(await spoilt('cut', (text) => text.slice(0, 200)))],
		['key of others', 'tsa', withKey(await spoilt('open', (text) => text, 0o644))],
		[
			'key in another form',
			'tsa',
			withKey(await spoilt('label', () => clearPem(scenario).replaceAll('PRIVATE KEY', 'EC PRIVATE KEY'))),
		],
		...(hsm
			? (
					[
						['wrong PIN', 'tsa', withKey({ uri: hsm, pin: { file: wrong } })],
						['PIN in the URI', 'tsa', withKey({ uri: `${hsm}&pin-value=${misplaced}` })],
						['PIN as an attribute', 'tsa', withKey({ uri: hsm.replace('object=', `pin-value=${misplaced};object=`) })],
						['PIN in the clear', 'tsa', withKey({ uri: hsm, pin: misplaced })],
						[
							'PIN for a module',
							'tsa',
							withKey({ uri: hsm.replace(/module-path=.*/, `module-path=/${misplaced}%00`), pin: { file: wrong } }),
						],
					] as const
				).map((row) => [...row] as [string, 'tsa', unknown])
			: []),
		// The certificate of a listener.
		['wrong passphrase of a TLS key', 'tsa', withTls({ passphrase: { file: wrong } })],
		['passphrase of a TLS key in the clear', 'tsa', withTls({ passphrase: misplaced })],
		['TLS key without its passphrase', 'tsa', withTls({ passphrase: undefined })],
		['TLS key for a certificate', 'tsa', withTls({ certificateFile: tls.keyFile })],
		['certificate for a TLS key', 'tsa', withTls({ keyFile: tls.certificateFile })],
		[
			'TLS key of another certificate',
			'tsa',
			withTls({ ...tls, keyFile: keyFile.path, passphrase: fileKey.passphrase }),
		],
		// The database.
		[
			'wrong password',
			'ctlog',
			at(
				urlWith((url) => {
					url.password = misplaced;
				}),
			),
		],
		[
			'nobody at the port',
			'ctlog',
			at(
				urlWith((url) => {
					url.port = '9';
				}),
			),
		],
		[
			'no such database',
			'ctlog',
			at(
				urlWith((url) => {
					url.pathname = '/none';
				}),
			),
		],
		[
			'no such host',
			'ctlog',
			at(
				urlWith((url) => {
					url.hostname = 'db.invalid';
				}),
			),
		],
		['another scheme', 'ctlog', at(server.url.replace('postgres:', 'mysql:'))],
		['a port in words', 'ctlog', at(server.url.replace(/:\d+\//, ':port/'))],
		['a bad escape in the password', 'ctlog', at(`postgres://chancery:${misplaced}%ZZ@127.0.0.1/x`)],
		['a secret for a number', 'tsa', { database: { ...database, maxConnections: misplaced }, tsa }],
		['a secret for a URL', 'tsa', { database: { url: misplaced }, tsa }],
		[
			'a mark database with a wrong password',
			'ctlog',
			{
				database,
				ctlog: {
					...ctlog,
					markFile: undefined,
					markDatabase: `postgres://chancery:${misplaced}@127.0.0.1:22990/chancery`,
				},
			},
		],
		// Other places.
		['a secret for a port', 'tsa', { database, tsa: { ...tsa, listen: { public: { port: misplaced } } } }],
		['a secret for a level', 'tsa', { database, logging: { level: misplaced }, tsa }],
		[
			'a token for its hash',
			'tsa',
			{ database, tsa: { ...tsa, admin: { tokens: [{ name: 'x', role: 'operator', sha256: misplaced }] } } },
		],
		['a token for the list', 'tsa', { database, tsa: { ...tsa, admin: { token: misplaced } } }],
		['a secret for a URL of ours', 'tsa', { database, tsa: { ...tsa, publicUrl: misplaced } }],
		['a key for a chain', 'tsa', { database, tsa: { ...tsa, chainPem: clearPem(scenario) } }],
		[
			'a key for a public key',
			'ca',
			{ database, ca: { ...ca, ctlog: { url: 'http://localhost', publicKeyPem: clearPem(scenario) } } },
		],
		['a secret for an issuer', 'ca', { database, ca: { ...ca, issuers: [{ type: 'email', issuer: misplaced }] } }],
		[
			'a secret for a type',
			'ca',
			{ database, ca: { ...ca, issuers: [{ type: misplaced, issuer: 'http://localhost' }] } },
		],
		[
			'a bearer in the clear',
			'tuf',
			{ database, tuf: { ...tuf, services: [{ trustReportUrl: 'http://localhost', bearer: misplaced }] } },
		],
		['issuer keys that are no JSON', 'identity', { database, identity: { ...identity, signingJwks: { file: wrong } } }],
		[
			'issuer keys of another form',
			'identity',
			{ database, identity: { ...identity, signingJwks: { env: 'JWKS' } } },
			{ JWKS: JSON.stringify({ auth: [{ kty: 'RSA', n: 'AQAB', e: 'AQAB', d: misplaced }] }) },
		],
		[
			'a short secret',
			'identity',
			{ database, identity: { ...identity, developmentSecret: { env: 'MINT' } } },
			{ MINT: registry.addText('short secret', 'short-0-secret') },
		],
		[
			'a client secret in the clear',
			'identity',
			{ database, identity: { ...identity, machineClients: [{ id: 'x', secret: misplaced, email: 'x@example.com' }] } },
		],
		[
			'a connector secret in the clear',
			'identity',
			{
				database,
				identity: {
					...identity,
					connectors: (identity.connectors as object[]).map((one) => ({ ...one, clientSecret: misplaced })),
				},
			},
		],
		[
			'a private key for a machine issuer',
			'identity',
			{
				database,
				identity: {
					...identity,
					machineIssuers: [
						{ name: 'x', issuer: 'https://x.example', jwks: { keys: [scenario.strayKey().export({ format: 'jwk' })] } },
					],
				},
			},
		],
		[
			'production with a secret',
			'identity',
			{
				profile: 'production',
				database,
				identity: { ...identity, developmentLogin: false, publicUrl: 'https://id.example.com' },
			},
		],
		// YAML, the environment, the command line.
		['an open quote', 'tsa', yaml(`  secretAccessKey: "${misplaced}`)],
		['a tab', 'tsa', yaml(`  keys:\n\t\tpassphrase: ${misplaced}`)],
		['an alias', 'tsa', yaml(`  passphrase: *${misplaced}`)],
		['a tag', 'tsa', yaml(`  passphrase: !${misplaced} x`)],
		['a key twice', 'tsa', yaml(`  admin: ${misplaced}\n  admin: ${misplaced}`)],
		['a text for a section', 'tsa', `tsa: ${misplaced}\n`],
		['a text for a file', 'tsa', misplaced],
		['an override in the clear', 'tsa', withKey(fileKey), { CHANCERY_TSA__KEYS__SIGNER__PASSPHRASE: misplaced }],
		['an override that is no YAML', 'tsa', withKey(fileKey), { CHANCERY_TSA__PUBLIC_URL: `{${misplaced}` }],
		['an override inside of a text', 'tsa', withKey(fileKey), { CHANCERY_TSA__PUBLIC_URL__X: misplaced }],
		['an argument', 'tsa', withKey(fileKey), {}, [misplaced]],
		['an option', 'tsa', withKey(fileKey), {}, [`--passphrase=${misplaced}`]],
	];
	for (let at = 0; at < starts.length; at += CONCURRENT)
		await Promise.all(
			starts.slice(at, at + CONCURRENT).map(([what, service, ...rest]) => scenario.fail(what, service, ...rest)),
		);
}

/** A key without a passphrase, which is registered. */
function clearPem(scenario: ServicesScenario): string {
	return String(scenario.strayKey().export({ type: 'pkcs8', format: 'pem' }));
}
