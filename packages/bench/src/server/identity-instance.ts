/** The measured identity service with its database, and the issuer of the tokens that are exchanged. */
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { identity } from '@chancery/identity/definition';
import { generateSigningJwks } from '@chancery/identity/generate-jwks';
import { migrateAll } from '@chancery/postgres/migrate';
import { freePort } from '@chancery/testkit/free-port';
import type { IdentityTarget } from '../load/messages.ts';
import { BenchDatabase } from './bench-database.ts';
import type { ServerUnderTest } from './server-under-test.ts';
import { startServiceProcess } from './service-process.ts';
import { startTokenIssuer } from './token-issuer.ts';

/** Also the names of these at a server that is compared. */
export const SUBJECT_AUDIENCE = 'bench';
export const SUBJECT_CONNECTOR = 'bench';
export const PUBLIC_CLIENT = 'sigstore';

const MACHINE = { id: 'machine', secret: 'the-secret-of-the-machine', email: 'machine@organisation.example' };

export class IdentityInstance {
	readonly subjectTokens: IdentityTarget['subjectTokens'];
	readonly #folder: string;
	readonly #database: BenchDatabase;
	readonly #stack: AsyncDisposableStack;

	private constructor(
		folder: string,
		database: BenchDatabase,
		subjectTokens: IdentityTarget['subjectTokens'],
		stack: AsyncDisposableStack,
	) {
		this.#folder = folder;
		this.#database = database;
		this.subjectTokens = subjectTokens;
		this.#stack = stack;
	}

	/** Makes keys and database below `folder`. */
	static async create(folder: string): Promise<IdentityInstance> {
		await using stack = new AsyncDisposableStack();
		// For root: the user the database runs as has to pass.
		await mkdir(folder, { recursive: true });
		await chmod(folder, 0o711);
		await writeFile(join(folder, 'jwks.json'), JSON.stringify(await generateSigningJwks()), { mode: 0o600 });
		await writeFile(join(folder, 'machine.secret'), MACHINE.secret, { mode: 0o600 });
		const database = await BenchDatabase.create(join(folder, 'data'));
		stack.defer(() => database.close());
		await migrateAll(database.sql, identity.migrations);
		const issuer = await startTokenIssuer();
		stack.defer(() => issuer.close());
		const subjectTokens = { ...issuer.target, audience: SUBJECT_AUDIENCE, connectorId: SUBJECT_CONNECTOR };
		return new IdentityInstance(folder, database, subjectTokens, stack.move());
	}

	/** @throws {Error} with the end of its log when it does not come up */
	async start(logLevel: string): Promise<ServerUnderTest> {
		const folder = this.#folder;
		const port = await freePort();
		const publicUrl = `http://127.0.0.1:${port}`;
		const issuer = `${publicUrl}/auth`;
		const { url } = this.subjectTokens;
		const process = await startServiceProcess({
			service: identity,
			folder,
			ports: [port],
			section: {
				publicUrl,
				clients: [PUBLIC_CLIENT],
				developmentLogin: true,
				signingJwks: { file: join(folder, 'jwks.json') },
				machineIssuers: [{ name: 'bench', issuer: url, audience: SUBJECT_AUDIENCE, connectorId: SUBJECT_CONNECTOR }],
				machineClients: [{ id: MACHINE.id, secret: { file: join(folder, 'machine.secret') }, email: MACHINE.email }],
				admin: { tokens: [] },
				listen: { public: { host: '127.0.0.1', port }, admin: { host: '127.0.0.1', port: 0 } },
			},
			sections: {
				profile: 'development',
				database: { url: this.#database.url },
				logging: { level: logLevel, json: true },
			},
		});
		const { subjectTokens } = this;
		return {
			name: 'chancery',
			settings: { ...(await this.#database.settings()), 'log level': logLevel },
			target: (wire) => {
				if (wire !== 'identity') throw new Error(`an identity service has no wire ${wire}`);
				return {
					host: '127.0.0.1',
					port,
					wire,
					tokenPath: '/auth/token',
					keysPath: '/auth/keys',
					issuer,
					exchangedIssuer: `${publicUrl}/machines/bench`,
					clientId: PUBLIC_CLIENT,
					login: { path: '/auth/auth', scope: 'openid email', atOnce: 8, connectorId: issuer },
					subjectTokens,
					machine: MACHINE,
				};
			},
			pids: [process.pid],
			databasePid: this.#database.pid,
			probe: process.probe,
			stop: process.stop,
		};
	}

	/** Exchanges, each with the mark of its used token, and tokens of machine clients, as the record of events has them. */
	async countStored(): Promise<number> {
		const [row] = await this.#database.sql.query<{ exchanged: number; used: number; machines: number }>(
			`select
				(select count(*) from identity.audit_events where kind = 'token-exchange' and outcome = 'accepted') as exchanged,
				(select count(*) from identity.exchanged_tokens) as used,
				(select count(*) from identity.audit_events where kind = 'client-credentials' and outcome = 'accepted') as machines`,
		);
		const { exchanged = 0, used = 0, machines = 0 } = row ?? {};
		if (exchanged !== used) throw new Error(`${exchanged} exchanges are recorded, and ${used} tokens are used up`);
		return exchanged + machines;
	}

	close(): Promise<void> {
		return this.#stack.disposeAsync();
	}
}
