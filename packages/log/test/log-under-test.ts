/**
 * A whole signature log on a database of its own, reached through `inject`: everything but the socket.
 */
import { createHash, randomBytes } from 'node:crypto';
import { createLogger } from '@chancery/chassis/logger';
import type { Service } from '@chancery/chassis/service';
import { generateSigner } from '@chancery/keys/file/generate';
import type { Signer } from '@chancery/keys/signer';
import type { Mark, MarkStore } from '@chancery/postgres/mark/mark';
import { createTestDatabase } from '@chancery/testkit/test-database';
import type { FastifyInstance } from 'fastify';
import { configSchema } from '../src/config.ts';
import { log } from '../src/definition.ts';
import { migrateSchema } from '../src/store/migrations.ts';

export const HOSTNAME = 'log.test';
export const TREE_ID = '1193050959916656506';
export const V2_ORIGIN = 'log2.test';
const ADMIN_TOKEN = 'token-of-the-operator';

export interface LogUnderTest {
	readonly service: Service;
	readonly v1: FastifyInstance;
	readonly v2: FastifyInstance;
	readonly admin: FastifyInstance;
	readonly v1Signer: Signer;
	readonly v2Signer: Signer;
	readonly marks: { readonly v1: MemoryMark; readonly v2: MemoryMark };
	readonly adminHeaders: Record<string, string>;
	/** Unix milliseconds; tests move it. */
	readonly clock: { now: number };
	/** Another service over the same database, keys and marks, as after a restart. */
	restart(changes?: object): Promise<LogUnderTest>;
	close(): Promise<void>;
}

/** A mark that tests can change behind the log's back. */
export class MemoryMark implements MarkStore {
	mark: Mark | undefined;

	async read(): Promise<Mark | undefined> {
		return this.mark;
	}

	async advance(next: Mark): Promise<void> {
		if (this.mark === undefined || next.size >= this.mark.size) this.mark = next;
	}
}

export async function startLog(changes: object = {}): Promise<LogUnderTest> {
	// The clock of the test is that of the database as well: they are one, as on a single host.
	const { database, drop } = await createTestDatabase({ sharesClock: true });
	await migrateSchema(database);
	const signers = { v1: generateSigner('ecdsa-sha2-256-nistp256'), v2: generateSigner('ed25519') };
	const marks = { v1: new MemoryMark(), v2: new MemoryMark() };
	const clock = { now: Date.UTC(2026, 0, 1) };

	const start = async (changed: object, onClose: () => Promise<void>): Promise<LogUnderTest> => {
		const config = configSchema().parse({
			v1: { publicUrl: `https://${HOSTNAME}`, hostname: HOSTNAME, treeId: TREE_ID },
			v2: { publicUrl: `https://${V2_ORIGIN}`, origin: V2_ORIGIN },
			admin: {
				tokens: [{ name: 'tests', role: 'operator', sha256: createHash('sha256').update(ADMIN_TOKEN).digest('hex') }],
			},
			...changed,
		});
		await log.createLogs?.({ database, config, profile: 'development', signers });
		const service = await log.open({
			config,
			profile: 'development',
			database,
			clock: () => clock.now,
			random: (n) => new Uint8Array(randomBytes(n)),
			fetch,
			logger: createLogger({ level: 'silent', json: true, name: 'log' }),
			signers,
			marks,
		});
		const app = (name: string) => service.listeners.find((listener) => listener.name === name)!.app;
		return {
			service,
			v1: app('v1'),
			v2: app('v2'),
			admin: app('admin'),
			v1Signer: signers.v1,
			v2Signer: signers.v2,
			marks,
			adminHeaders: { authorization: `Bearer ${ADMIN_TOKEN}` },
			clock,
			restart: async (again = {}) => {
				await service.close();
				return start(again, onClose);
			},
			close: async () => {
				await service.close();
				await onClose();
			},
		};
	};
	return start(changes, drop);
}
