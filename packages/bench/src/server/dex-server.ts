/**
 * Dex as the other side of a comparison, with a PostgreSQL server of its own that has the settings of ours. README.md says how to
 * get the program.
 */
import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort } from '@chancery/testkit/free-port';
import { REDIRECT_URI } from '../load/sign-in.ts';
import { BenchDatabase } from './bench-database.ts';
import { waitForHealth } from './health.ts';
import { type IdentityInstance, PUBLIC_CLIENT } from './identity-instance.ts';
import type { ServerUnderTest } from './server-under-test.ts';
import { stopChild } from './service-process.ts';

/** As many as our service has by default. */
const CONNECTIONS = 10;
const LOGIN_CONNECTOR = 'mock';
/** The person that this connector always signs in. */
const MOCK_PERSON = { email: 'kilgore@kilgore.trout', userId: '0-385-28089-0' };

/** Starts it with its files and its database below `folder`. It exchanges the tokens of the same issuer as ours. */
export async function startDex(
	bin: string,
	folder: string,
	{ subjectTokens }: IdentityInstance,
): Promise<ServerUnderTest> {
	await using stack = new AsyncDisposableStack();
	await mkdir(folder, { recursive: true });
	// For root: the user the database runs as has to pass.
	await chmod(folder, 0o711);
	const database = await BenchDatabase.create(join(folder, 'data'));
	stack.defer(() => database.close());
	const { socket } = database;
	const port = await freePort();
	const issuer = `http://127.0.0.1:${port}/dex`;
	const config = {
		issuer,
		storage: {
			type: 'postgres',
			config: {
				host: socket.folder,
				port: socket.port,
				user: socket.user,
				database: socket.database,
				ssl: { mode: 'disable' },
				maxOpenConns: CONNECTIONS,
				maxIdleConns: CONNECTIONS,
			},
		},
		web: { http: `127.0.0.1:${port}` },
		logger: { level: 'info', format: 'json' },
		oauth2: {
			skipApprovalScreen: true,
			grantTypes: ['authorization_code', 'urn:ietf:params:oauth:grant-type:token-exchange'],
		},
		connectors: [
			{ type: 'mockCallback', id: LOGIN_CONNECTOR, name: 'Mock' },
			{
				type: 'oidc',
				id: subjectTokens.connectorId,
				name: 'Machines',
				config: {
					issuer: subjectTokens.url,
					clientID: subjectTokens.audience,
					clientSecret: 'not used by an exchange',
					redirectURI: `${issuer}/callback`,
				},
			},
		],
		staticClients: [{ id: PUBLIC_CLIENT, name: 'Sigstore', public: true, redirectURIs: [REDIRECT_URI] }],
	};
	// JSON is YAML.
	await writeFile(join(folder, 'dex.yaml'), JSON.stringify(config, undefined, '\t'));
	const logFile = join(folder, 'server.log');
	const output = openSync(logFile, 'w');
	const child = spawn(bin, ['serve', join(folder, 'dex.yaml')], { stdio: ['ignore', output, output] });
	closeSync(output);
	stack.defer(() => stopChild(child));
	await waitForHealth(child, `${issuer}/healthz`, logFile);
	const started = stack.move();
	return {
		name: 'dex',
		settings: { ...(await database.settings()), connections: String(CONNECTIONS), 'log level': 'info' },
		target: (wire) => {
			if (wire !== 'identity') throw new Error(`dex has no wire ${wire}`);
			return {
				host: '127.0.0.1',
				port,
				wire,
				tokenPath: '/dex/token',
				keysPath: '/dex/keys',
				issuer,
				exchangedIssuer: issuer,
				clientId: PUBLIC_CLIENT,
				login: {
					path: `/dex/auth/${LOGIN_CONNECTOR}`,
					scope: 'openid email federated:id',
					// Its transactions are serializable and not repeated: of several sign-ins at a time, most end with status 500.
					atOnce: 1,
					connectorId: LOGIN_CONNECTOR,
					person: MOCK_PERSON,
				},
				subjectTokens,
			};
		},
		pids: [child.pid ?? 0],
		databasePid: database.pid,
		stop: () => started.disposeAsync(),
	};
}
