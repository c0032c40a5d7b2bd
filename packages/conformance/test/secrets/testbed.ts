/**
 * The services as an operator runs them: each by its own `main.ts` from a configuration file, with encrypted keys, two of them in an
 * HSM if there is one, and a database server with a password.
 */
import { createHash, createPrivateKey, generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto';
import { chmod, mkdir, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createCaChain } from '@chancery/ca/ca-chain';
import { encodePem } from '@chancery/core/pem';
import { ctlog } from '@chancery/ctlog/definition';
import { createFileKey, openFileKey } from '@chancery/keys/file/file-key';
import { openSigner } from '@chancery/keys/open-signer';
import type { KeyAlgorithm, Signer } from '@chancery/keys/signer';
import { log } from '@chancery/log/definition';
import { migrateAll } from '@chancery/postgres/migrate';
import type { Database } from '@chancery/postgres/sql';
import { openDevelopmentTls } from '@chancery/stack/bootstrap/development-tls';
import { STORING_SERVICES } from '@chancery/stack/services';
import { freePortBase } from '@chancery/testkit/free-port';
import requireSoftHsm, { TestToken } from '@chancery/testkit/softhsm';
import { createTsaChain } from '@chancery/tsa/tsa-chain';
import { machineIssuer } from '@chancery/wire/identity';
import type { ForeignServers } from './foreign-servers.ts';
import { CLUSTER, createMachines, type Machines, machineSettings } from './machine-tokens.ts';
import { PORTS } from './port-range.ts';
import type { SecretRegistry } from './secret-registry.ts';
import { connectorsOf, type Upstreams } from './upstream-sign-in.ts';

export const SERVICE_NAMES = ['ctlog', 'log', 'identity', 'tsa', 'ca', 'tuf'] as const;
export type ServiceName = (typeof SERVICE_NAMES)[number];

type Config = Record<string, Record<string, unknown>>;

export interface Testbed {
	readonly folder: string;
	/** Sections of all services; a started service gets a file with some of them. */
	readonly config: Config;
	/** The environment of each service, as its configuration requires. */
	readonly environment: Readonly<Record<ServiceName, NodeJS.ProcessEnv>>;
	/** Base URLs by `service listener`. */
	readonly urls: Readonly<Record<string, string>>;
	readonly admin: { readonly operator: string; readonly service: string };
	readonly developmentSecret: string;
	readonly machines: Machines;
	readonly signers: Readonly<Record<string, Signer>>;
	/** PEM of a key file and its passphrase, for tests that damage them. */
	readonly keyFile: { readonly path: string; readonly passphrase: string };
	readonly token: TestToken | undefined;
	/** Section of a TLS listener, with its own key file and passphrase; and its certificate authority. */
	readonly tls: { readonly certificateFile: string; readonly keyFile: string; readonly passphrase: object };
	readonly tlsAuthority: string;
	/** Makes schemas and logs, as `migrate` and `log create` do. */
	prepare(database: Database): Promise<void>;
}

const HOST = 'localhost';
const TREE_ID = '1193050959916656506';
/** By the name of their file. */
const FILE_KEYS: Readonly<Record<string, KeyAlgorithm>> = {
	'ca-root': 'ecdsa-sha2-256-nistp256',
	'ca-issuing': 'ecdsa-sha2-256-nistp256',
	'tsa-root': 'ecdsa-sha2-256-nistp256',
	tsa: 'ecdsa-sha2-384-nistp384',
	ctlog: 'ecdsa-sha2-256-nistp256',
	'log-v1': 'ecdsa-sha2-256-nistp256',
	'log-v2': 'ed25519',
	'tuf-root': 'ed25519',
	'tuf-targets': 'ed25519',
	'tuf-snapshot': 'ed25519',
	'tuf-timestamp': 'ed25519',
};

/** @param databaseUrl with its password. */
export async function createTestbed(
	folder: string,
	registry: SecretRegistry,
	databaseUrl: string,
	foreignServers: ForeignServers,
	upstreams: Upstreams,
): Promise<Testbed> {
	for (const name of ['keys', 'secrets', 'marks', 'exports']) await mkdir(join(folder, name), { mode: 0o700 });
	const secretFile = async (name: string, value: string) => {
		await writeFile(join(folder, 'secrets', name), `${value}\n`, { mode: 0o600 });
		return { file: join(folder, 'secrets', name) };
	};
	const mark = (kind: string, prefix: string) =>
		registry.addText(kind, `${prefix}-${randomBytes(18).toString('base64url')}`);

	// Keys in files, each with a passphrase of its own.
	const signers: Record<string, Signer> = {};
	const sources: Record<string, object> = {};
	const passphrases: Record<string, string> = {};
	for (const [name, algorithm] of Object.entries(FILE_KEYS)) {
		const passphrase = mark(`passphrase of ${name}`, 'open "sesame" & 100%');
		const path = join(folder, 'keys', `${name}.pem`);
		await createFileKey(path, algorithm, { passphrase });
		signers[name] = await openFileKey(path, { passphrase });
		registry.addKey(`key ${name}`, createPrivateKey({ key: await readFile(path, 'utf8'), passphrase }));
		passphrases[name] = passphrase;
		sources[name] = {
			uri: `file:${path}`,
			passphrase: await secretFile(`${name}.passphrase`, passphrase),
		};
	}

	// Where there is an HSM, the two authorities have their keys in it.
	const token = hasSoftHsm() ? new TestToken(registry.addText('PIN', randomDigits(20))) : undefined;
	if (token) {
		const pin = await secretFile('pin', token.pin);
		for (const [name, type, id] of [
			['ca-issuing', 'EC:prime256v1', '0a'],
			['tsa', 'EC:secp384r1', '0b'],
		] as const) {
			token.makeKey(type, name, id);
			const uri = token.uri(`object=${name}`);
			signers[name] = await openSigner(uri, { pin: token.pin });
			sources[name] = { uri, pin: name === 'tsa' ? { env: 'TSA_PIN' } : pin };
		}
	}
	const signer = (name: string) => signers[name] as Signer;

	// The certificate of a listener, its key encrypted as an operator has it.
	const madeTls = await openDevelopmentTls(join(folder, 'keys'), 'localhost', Date.now());
	const tlsPassphrase = mark('passphrase of a TLS key', 'tls');
	for (const [name, path] of [
		['of TLS', madeTls.keyFile],
		['of the TLS authority', join(folder, 'keys', 'tls-ca.pem')],
	] as const) {
		const key = createPrivateKey(await readFile(path, 'utf8'));
		registry.addKey(`key ${name}`, key);
		const encrypted = key.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: tlsPassphrase });
		await writeFile(path, encrypted);
	}
	const tls = {
		certificateFile: madeTls.certificateFile,
		keyFile: madeTls.keyFile,
		passphrase: await secretFile('tls.passphrase', tlsPassphrase),
	};

	const about = {
		organization: 'Scenario',
		notBefore: new Date(),
		random: (n: number) => new Uint8Array(randomBytes(n)),
	};
	const ca = await createCaChain({
		...about,
		rootSigner: signer('ca-root'),
		issuingSigner: signer('ca-issuing'),
		commonName: 'Scenario CA',
	});
	const tsa = await createTsaChain({
		...about,
		rootSigner: signer('tsa-root'),
		leafSigner: signer('tsa'),
		commonName: 'Scenario TSA',
	});
	const issuerKey = (key: KeyObject) => {
		registry.addKey('key of the issuer', key);
		return key.export({ format: 'jwk' });
	};
	const issuerKeys = () => [
		issuerKey(generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey),
		issuerKey(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey),
	];
	const jwks = { auth: issuerKeys(), ci: issuerKeys() };

	const admin = { operator: mark('admin token', 'operator'), service: mark('admin token', 'service') };
	const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
	const tokens = [
		{ name: 'operator', role: 'operator', sha256: sha256(admin.operator) },
		{ name: 'tuf', role: 'service', sha256: sha256(admin.service) },
	];
	const developmentSecret = mark('development secret', 'mint');
	const machines = createMachines(registry);
	const [secretAccessKey, sessionToken] = [mark('S3 secret key', 's3'), mark('S3 session token', 'st')];

	const bases = [await freePortBase(PORTS), await freePortBase(PORTS)];
	while (bases[1] === bases[0]) bases[1] = await freePortBase(PORTS);
	const ports = bases.flatMap((base) => Array.from({ length: 10 }, (_, offset) => base + offset));
	const urls: Record<string, string> = {};
	const listen = (service: string, ...listeners: string[]) =>
		Object.fromEntries(
			listeners.map((listener) => {
				const port = ports.shift();
				urls[`${service} ${listener}`] = `http://${HOST}:${port}`;
				return [listener, { host: HOST, port }];
			}),
		);
	const listeners = {
		identity: listen('identity', 'public', 'admin'),
		ctlog: listen('ctlog', 'public', 'admin'),
		log: listen('log', 'v1', 'v2', 'admin'),
		ca: listen('ca', 'public', 'admin'),
		tsa: listen('tsa', 'public', 'admin'),
		tuf: listen('tuf', 'public', 'admin'),
	};
	const own = {
		ctlog: { publicUrl: urls['ctlog public'], admin: { tokens } },
		log: {
			v1: { publicUrl: urls['log v1'], hostname: HOST, treeId: TREE_ID },
			v2: { publicUrl: urls['log v2'], origin: HOST },
			admin: { tokens },
		},
	};
	const s3 = {
		kind: 's3',
		endpoint: foreignServers.bucket,
		bucket: 'tiles',
		accessKeyId: await secretFile('s3-id', 'an-access-key'),
		secretAccessKey: { env: 'S3_SECRET' },
		sessionToken: await secretFile('s3-session', sessionToken),
		intervalSeconds: 0.5,
	};
	const marks = (name: string) => join(folder, 'marks', name);
	const bearer = await secretFile('tuf-bearer', admin.service);
	const report = (service: string, path = '') => ({
		trustReportUrl: `${urls[`${service} admin`]}/admin/v1/trust${path}`,
		bearer,
	});
	return {
		folder,
		urls,
		admin,
		developmentSecret,
		machines,
		signers,
		token,
		tls,
		tlsAuthority: await readFile(madeTls.authorityFile, 'utf8'),
		keyFile: { path: join(folder, 'keys/tsa.pem'), passphrase: passphrases.tsa ?? '' },
		environment: {
			ctlog: {},
			log: { S3_SECRET: secretAccessKey },
			identity: {
				MINT_SECRET: developmentSecret,
				DATABASE_URL: databaseUrl,
				CONNECTOR_SECRET: upstreams.secrets.people,
			},
			tsa: token ? { TSA_PIN: token.pin, SOFTHSM2_CONF: process.env.SOFTHSM2_CONF } : {},
			ca: token ? { SOFTHSM2_CONF: process.env.SOFTHSM2_CONF } : {},
			tuf: {},
		},
		config: {
			database: { url: await secretFile('database-url', databaseUrl), maxConnections: 5 },
			identity: {
				publicUrl: urls['identity public'],
				developmentLogin: true,
				connectors: connectorsOf(upstreams, {
					people: { env: 'CONNECTOR_SECRET' },
					repeating: await secretFile('connector', upstreams.secrets.repeating),
				}),
				...(await machineSettings(machines, await secretFile('machine-client', machines.secret))),
				signingJwks: await secretFile('identity.jwks.json', JSON.stringify(jwks)),
				developmentSecret: { env: 'MINT_SECRET' },
				admin: { tokens },
				listen: listeners.identity,
			},
			ctlog: {
				...own.ctlog,
				export: { kind: 'folder', path: join(folder, 'exports'), intervalSeconds: 0.5 },
				markFile: marks('ctlog'),
				listen: listeners.ctlog,
				keys: { signer: sources.ctlog },
			},
			log: {
				...own.log,
				v2: { ...own.log.v2, export: s3 },
				markFiles: { v1: marks('v1'), v2: marks('v2') },
				listen: listeners.log,
				keys: { v1: sources['log-v1'], v2: sources['log-v2'] },
			},
			ca: {
				publicUrl: urls['ca public'],
				chainPem: encodePem('CERTIFICATE', ca.issuing) + encodePem('CERTIFICATE', ca.root),
				ctlog: { url: urls['ctlog public'], publicKeyPem: encodePem('PUBLIC KEY', signer('ctlog').publicKey) },
				issuers: [
					{ type: 'email', issuer: `${urls['identity public']}/auth` },
					{ type: 'kubernetes', issuer: machineIssuer(`${urls['identity public']}`, CLUSTER) },
					{ type: 'email', issuer: foreignServers.echo },
					{ type: 'email', issuer: foreignServers.silence },
				],
				admin: { tokens },
				listen: listeners.ca,
				keys: { issuing: sources['ca-issuing'] },
			},
			tsa: {
				publicUrl: urls['tsa public'],
				chainPem: tsa.chainPem,
				markFile: marks('tsa'),
				admin: { tokens },
				listen: listeners.tsa,
				keys: { signer: sources.tsa },
			},
			tuf: {
				publicUrl: urls['tuf public'],
				markFile: marks('tuf'),
				operator: HOST,
				services: [
					report('ca'),
					report('ctlog'),
					report('tsa'),
					report('identity'),
					report('log', '/v1'),
					report('log', '/v2'),
				],
				admin: { tokens },
				listen: listeners.tuf,
				keys: { snapshot: sources['tuf-snapshot'], timestamp: sources['tuf-timestamp'] },
			},
		},
		prepare: async (database) => {
			for (const { migrations } of STORING_SERVICES) await migrateAll(database, migrations);
			const profile = 'development';
			await log.createLogs?.({
				database,
				config: log.config().parse(own.log),
				profile,
				signers: { v1: signer('log-v1'), v2: signer('log-v2') },
			});
			await ctlog.createLogs?.({
				database,
				config: ctlog.config().parse(own.ctlog),
				profile,
				signers: { signer: signer('ctlog') },
			});
		},
	};
}

/** Prints what is missing when there is no HSM: the rest of the scenario does not need one. */
function hasSoftHsm(): boolean {
	try {
		requireSoftHsm();
		return true;
	} catch (error) {
		process.stderr.write(`keys in an HSM: ${error instanceof Error ? error.message : error}\n`);
		return false;
	}
}

/** A folder that another user may enter. */
export async function openFolder(prefix: string): Promise<string> {
	const folder = await mkdtemp(join(tmpdir(), prefix));
	await chmod(folder, 0o711);
	return folder;
}

function randomDigits(count: number): string {
	return Array.from(randomBytes(count), (byte) => String(byte % 10)).join('');
}
