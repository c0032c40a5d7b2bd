/** A folder with the configuration of all services, as an operator would have it, and the chains and keys that it names. */
import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { encodePem } from '@chancery/core/pem';
import { ctlog } from '@chancery/ctlog/definition';
import { freePorts } from '@chancery/testkit/free-port';
import { type DevelopmentChains, openDevelopmentChains } from '../../src/bootstrap/development-chains.ts';
import { type DevelopmentKeys, openDevelopmentKeys } from '../../src/bootstrap/development-keys.ts';
import { SERVICES } from '../../src/services.ts';

export type Config = Record<string, Record<string, unknown> | unknown>;

export const OPERATOR_TOKEN = 'operator-token-of-the-tests';
export const DEVELOPMENT_TOKEN = 'development-token-of-the-tests';

export interface InstanceFolder {
	readonly path: string;
	readonly configFile: string;
	readonly config: Config;
	readonly keys: DevelopmentKeys;
	readonly chains: DevelopmentChains;
	/** Base URL of a listener: `ca.public`, `log.v1`, `tuf.admin`. */
	url(listener: string): string;
}

/** Makes all of it below `path`, with ports that were free a moment ago, and the marks in files. */
export async function makeInstanceFolder(path: string, databaseUrl: string): Promise<InstanceFolder> {
	const keyFolder = join(path, 'keys');
	await mkdir(keyFolder, { mode: 0o700, recursive: true });
	const keys = await openDevelopmentKeys(keyFolder);
	const chains = await openDevelopmentChains(keyFolder, keys, new Date());
	await writeFile(join(path, 'ca.chain.pem'), chains.ca);
	await writeFile(join(path, 'tsa.chain.pem'), chains.tsa);
	await writeFile(join(path, 'ctlog.pub.pem'), encodePem('PUBLIC KEY', keys.of(ctlog).signer.publicKey));
	await writeFile(join(path, 'service-token'), OPERATOR_TOKEN, { mode: 0o600 });
	await writeFile(join(path, 'development-token'), DEVELOPMENT_TOKEN, { mode: 0o600 });

	const listeners = SERVICES.flatMap(({ definition }) =>
		[...Object.keys(definition.listeners), 'admin'].map((name) => `${definition.name}.${name}`),
	);
	const ports = await freePorts(listeners.length);
	const portOf = (listener: string) => ports[listeners.indexOf(listener)] ?? 0;
	const url = (listener: string) => `http://127.0.0.1:${portOf(listener)}`;
	const listen = (service: string) =>
		Object.fromEntries(
			listeners
				.filter((name) => name.startsWith(`${service}.`))
				.map((name) => [name.slice(service.length + 1), { host: '127.0.0.1', port: portOf(name) }]),
		);
	const key = (name: string) => ({ uri: `file:keys/${name}.pem` });
	const mark = (name: string) => ({ markFile: `marks/${name}` });
	const sha256 = createHash('sha256').update(OPERATOR_TOKEN).digest('hex');
	const admin = { tokens: [{ name: 'tests', role: 'operator', sha256 }] };
	const config: Config = {
		profile: 'development',
		database: { url: databaseUrl },
		identity: {
			publicUrl: url('identity.public'),
			signingJwks: { file: 'keys/identity.jwks.json' },
			developmentLogin: true,
			developmentSecret: { file: 'development-token' },
			listen: listen('identity'),
			admin,
		},
		ca: {
			publicUrl: url('ca.public'),
			chainPem: { file: 'ca.chain.pem' },
			ctlog: { url: url('ctlog.public'), publicKeyPem: { file: 'ctlog.pub.pem' } },
			issuers: [{ type: 'email', issuer: `${url('identity.public')}/auth` }],
			keys: { issuing: key('ca-issuing') },
			listen: listen('ca'),
			admin,
		},
		log: {
			v1: { publicUrl: url('log.v1'), hostname: '127.0.0.1', treeId: '7' },
			v2: { publicUrl: url('log.v2'), origin: '127.0.0.1' },
			markFiles: { v1: 'marks/v1', v2: 'marks/v2' },
			keys: { v1: key('log-v1'), v2: key('log-v2') },
			listen: listen('log'),
			admin,
		},
		ctlog: {
			publicUrl: url('ctlog.public'),
			...mark('ctlog'),
			keys: { signer: key('ctlog') },
			listen: listen('ctlog'),
			admin,
		},
		tsa: {
			publicUrl: url('tsa.public'),
			chainPem: { file: 'tsa.chain.pem' },
			...mark('tsa'),
			keys: { signer: key('tsa') },
			listen: listen('tsa'),
			admin,
		},
		tuf: {
			publicUrl: url('tuf.public'),
			operator: 'test',
			...mark('tuf'),
			services: SERVICES.flatMap(({ definition: { name, trustReports } }) =>
				trustReports.map((report) => ({
					trustReportUrl: `${url(`${name}.admin`)}${report}`,
					bearer: { file: 'service-token' },
				})),
			),
			keys: { snapshot: key('tuf-snapshot'), timestamp: key('tuf-timestamp') },
			listen: listen('tuf'),
			admin,
		},
	};
	const configFile = join(path, 'chancery.yaml');
	// JSON is YAML.
	await writeFile(configFile, JSON.stringify(config));
	return { path, configFile, config, keys, chains, url };
}
