/** A log on a database of its own, with one accepted authority, as the tests of its wire need it. */
import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLogger } from '@chancery/chassis/logger';
import { signTrustReport, type TrustReport } from '@chancery/chassis/trust-report';
import { generateSigner } from '@chancery/keys/file/generate';
import type { Signer } from '@chancery/keys/signer';
import { openFileMark } from '@chancery/postgres/mark/file-mark';
import { createTestDatabase, type TestDatabase } from '@chancery/testkit/test-database';
import type { FastifyInstance } from 'fastify';
import { configSchema } from '../src/config.ts';
import { ctlog } from '../src/definition.ts';
import { migrateSchema } from '../src/store/migrations.ts';
import { base64, type TestAuthority } from './certificates.ts';

export const ADMIN_TOKEN = 'token-of-a-test';
/** Of a service that reads, as the TUF service has one. */
export const SERVICE_TOKEN = 'token-of-a-service';
const PUBLIC_URL = 'http://ct.example.com/2026';
export const ORIGIN = 'ct.example.com/2026';

export interface RunningLog {
	readonly app: FastifyInstance;
	readonly admin: FastifyInstance;
	readonly signer: Signer;
	readonly database: TestDatabase;
	/** Closes this process of the log and opens another one on the same database, key and mark. */
	restart(): Promise<RunningLog>;
	/** Closes everything and removes what was made. */
	end(): Promise<void>;
}

export interface LogOptions {
	readonly clock?: () => number;
	/** The clock is that of the log alone, and the database's stays right. */
	readonly isClockAlone?: boolean;
	readonly config?: Record<string, unknown>;
	readonly signer?: Signer;
}

export async function startLog(options: LogOptions = {}): Promise<RunningLog> {
	// A test that moves the clock moves that of the database along: they are one, as on a single host.
	const sharesClock = options.clock !== undefined && !options.isClockAlone;
	const database = await createTestDatabase({ sharesClock });
	const folder = await mkdtemp(join(tmpdir(), 'chancery-ctlog-'));
	const signer = options.signer ?? generateSigner('ecdsa-sha2-256-nistp256');
	const config = configSchema().parse({
		publicUrl: PUBLIC_URL,
		admin: {
			tokens: [
				{ name: 'a test', role: 'operator', sha256: createHash('sha256').update(ADMIN_TOKEN).digest('hex') },
				{ name: 'a service', role: 'service', sha256: createHash('sha256').update(SERVICE_TOKEN).digest('hex') },
			],
		},
		...options.config,
	});
	await migrateSchema(database.database);
	const signers = { signer };
	await ctlog.createLogs?.({ database: database.database, config, profile: 'development', signers });

	const open = async (): Promise<RunningLog> => {
		const mark = openFileMark(join(folder, 'mark'));
		const service = await ctlog.open({
			config,
			profile: 'development',
			database: database.database,
			clock: options.clock ?? Date.now,
			random: (length) => new Uint8Array(randomBytes(length)),
			fetch,
			logger: createLogger({ level: (process.env.TEST_LOG_LEVEL as 'silent') ?? 'silent', json: true, name: 'ctlog' }),
			signers,
			marks: { mark },
		});
		const stopping = new AbortController();
		const jobs = Promise.all(service.jobs.map((job) => job.run(stopping.signal)));
		const named = (name: string) => service.listeners.find((listener) => listener.name === name)!.app;
		const close = async () => {
			stopping.abort();
			await jobs;
			for (const { app } of service.listeners) await app.close();
			await service.close();
		};
		return {
			app: named('public'),
			admin: named('admin'),
			signer,
			database,
			restart: async () => {
				await close();
				return open();
			},
			end: async () => {
				await close();
				await database.drop();
				await rm(folder, { recursive: true });
			},
		};
	};
	return open();
}

/** The report that a certificate authority would send. */
export function reportOf(
	authority: TestAuthority,
	chain = [authority.issuing, authority.root],
	issuedAtMs = Date.now(),
): Promise<TrustReport> {
	return signTrustReport(
		{
			service: 'ca',
			issuedAtMs,
			material: {
				kind: 'certificate-authority',
				subject: { organization: authority.name, commonName: authority.name },
				uri: 'http://ca.example.com',
				certChain: chain.map(base64),
				validForStart: new Date().toISOString(),
			},
		},
		authority.issuingSigner,
	);
}

export function register(log: Pick<RunningLog, 'admin'>, report: unknown, token = ADMIN_TOKEN, query = '') {
	return log.admin.inject({
		method: 'POST',
		url: `/admin/v1/roots${query}`,
		headers: { authorization: `Bearer ${token}` },
		payload: report as object,
	});
}

/** Retires a root, given as DER. */
export function retire(log: Pick<RunningLog, 'admin'>, root: Uint8Array, reason: string, token = ADMIN_TOKEN) {
	return log.admin.inject({
		method: 'POST',
		url: `/admin/v1/roots/${createHash('sha256').update(root).digest('hex')}/retire`,
		headers: { authorization: `Bearer ${token}` },
		payload: { reason },
	});
}

export function submit(
	log: Pick<RunningLog, 'app'>,
	endpoint: 'add-chain' | 'add-pre-chain',
	chain: readonly Uint8Array[],
) {
	return log.app.inject({ method: 'POST', url: `/ct/v1/${endpoint}`, payload: { chain: chain.map(base64) } });
}

/** The same as certificate authorities do it: what passes (503) is asked again. For tests that need the answer. */
export async function submitPatiently(...submission: Parameters<typeof submit>): ReturnType<typeof submit> {
	for (let attempt = 1; ; attempt++) {
		const answer = await submit(...submission);
		if (answer.statusCode !== 503 || attempt === 20) return answer;
		await new Promise((resolve) => setTimeout(resolve, 250));
	}
}

export function get(log: Pick<RunningLog, 'app'>, path: string, query: Record<string, string | number> = {}) {
	const parameters = Object.entries(query).map(([key, value]) => [key, String(value)] as const);
	return log.app.inject({ url: `/ct/v1/${path}`, query: Object.fromEntries(parameters) });
}
