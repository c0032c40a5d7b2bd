/** A real identity provider on a loopback port with a database of its own. */
import { randomBytes } from 'node:crypto';
import type { Profile } from '@chancery/chassis/config/production';
import { createLogger } from '@chancery/chassis/logger';
import type { Service } from '@chancery/chassis/service';
import { freePort } from '@chancery/testkit/free-port';
import { createTestDatabase } from '@chancery/testkit/test-database';
import { configSchema } from '../src/config.ts';
import { identity } from '../src/definition.ts';
import { generateSigningJwks, type SigningJwks } from '../src/generate-jwks.ts';
import { migrateSchema } from '../src/store/migrations.ts';

export const TEST_SECRET = 'the-secret-of-this-test-instance';

type TestDatabase = Awaited<ReturnType<typeof createTestDatabase>>;

export interface IdentityServer {
	readonly publicUrl: string;
	readonly issuer: string;
	readonly test: TestDatabase;
	readonly service: Service;
	/** Lines that the service has logged. */
	readonly logged: string[];
	stop(): Promise<void>;
}

export interface ServerOptions {
	readonly config?: Record<string, unknown>;
	readonly signingJwks?: SigningJwks;
	readonly developmentSecret?: string | null;
	/** How the service asks others. */
	readonly fetch?: typeof fetch;
	/** Variables that the configuration names. */
	readonly environment?: Record<string, string>;
	/** Default: development. */
	readonly profile?: Profile;
	readonly clock?: () => number;
	/** Continues at the address and with the database of an earlier server. */
	readonly continueFrom?: IdentityServer;
}

/** Two RSA key pairs take some time to make: one set is for all servers of a test file that do not need their own. */
let sharedJwks: Promise<SigningJwks> | undefined;

export async function startIdentityServer(options: ServerOptions = {}): Promise<IdentityServer> {
	sharedJwks ??= generateSigningJwks();
	const earlier = options.continueFrom;
	const port = earlier ? Number(new URL(earlier.publicUrl).port) : await freePort();
	const publicUrl = `http://127.0.0.1:${port}`;
	const test = earlier?.test ?? (await createTestDatabase());
	await migrateSchema(test.database);
	const logged: string[] = [];
	const secret = options.developmentSecret === undefined ? TEST_SECRET : options.developmentSecret;
	const env = {
		...options.environment,
		JWKS: JSON.stringify(options.signingJwks ?? (await sharedJwks)),
		SECRET: secret ?? undefined,
	};
	const service = await identity.open({
		config: configSchema(env).parse({
			publicUrl,
			developmentLogin: true,
			signingJwks: { env: 'JWKS' },
			...(secret === null ? {} : { developmentSecret: { env: 'SECRET' } }),
			...options.config,
		}),
		profile: options.profile ?? 'development',
		signers: {},
		marks: {},
		database: test.database,
		clock: options.clock ?? Date.now,
		random: (n) => new Uint8Array(randomBytes(n)),
		fetch: options.fetch ?? fetch,
		logger: createLogger({
			level: 'trace',
			json: true,
			name: 'identity',
			destination: { write: (line: string) => void logged.push(line) },
		}),
	});
	const listener = service.listeners.find((candidate) => candidate.name === 'public');
	await listener?.app.listen({ host: '127.0.0.1', port });
	return {
		publicUrl,
		issuer: `${publicUrl}/auth`,
		test,
		service,
		logged,
		stop: async () => {
			for (const { app } of service.listeners) await app.close();
			await service.close();
		},
	};
}
