/** A repository for tests: the whole service on a database of its own, keyholders with three keys each, and a clock to move. */

import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLogger } from '@chancery/chassis/logger';
import { createMetrics } from '@chancery/chassis/metrics';
import type { Service } from '@chancery/chassis/service';
import { generateSigner } from '@chancery/keys/file/generate';
import type { Signer } from '@chancery/keys/signer';
import { openFileMark } from '@chancery/postgres/mark/file-mark';
import type { AdoptableMarkStore } from '@chancery/postgres/mark/mark';
import type { Database } from '@chancery/postgres/sql';
import { createTestDatabase, type TestDatabase } from '@chancery/testkit/test-database';
import type { FastifyInstance } from 'fastify';
import { configSchema, type TufConfig } from '../src/config.ts';
import { tuf } from '../src/definition.ts';
import type { TufDeps } from '../src/domain/publish.ts';
import { readMetadataFile } from '../src/domain/read-file.ts';
import { RepositoryMark } from '../src/domain/repository-mark.ts';
import {
	buildRoot,
	buildTargets,
	type RoleAssignment,
	type RootMetadata,
	type SignedMetadata,
	type TargetsMetadata,
} from '../src/metadata/metadata.ts';
import { signMetadata } from '../src/metadata/signed-metadata.ts';
import { identifyKey } from '../src/metadata/tuf-keys.ts';
import { TUF_SERIES } from '../src/metrics.ts';
import { migrateSchema } from '../src/store/migrations.ts';

export const OPERATOR = 'an-operator-token-of-the-tests';
export const SERVICE = 'a-service-token-of-the-tests';
export const DAY_MS = 86_400_000;

const sha256Hex = (content: string | Uint8Array) => createHash('sha256').update(content).digest('hex');

export interface RootPlan {
	readonly version?: number;
	readonly root?: readonly Signer[];
	readonly targets?: readonly Signer[];
	readonly rootThreshold?: number;
	readonly targetsThreshold?: number;
	readonly snapshot?: readonly Signer[];
	readonly timestamp?: readonly Signer[];
	readonly onlineThreshold?: number;
	readonly expiresInDays?: number;
	/** Who signs; by default the first two root keys. */
	readonly signers?: readonly Signer[];
	/** Changes before it is signed. */
	readonly change?: (root: RootMetadata) => object;
}

export interface Answer {
	readonly status: number;
	readonly headers: Readonly<Record<string, unknown>>;
	readonly bytes: Uint8Array;
	// biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
	readonly json: any;
}

export interface RepositoryOptions {
	readonly services?: TufConfig['services'];
	readonly config?: object;
}

/** What another process has otherwise. */
export type RestartChanges = Partial<Pick<TufDeps, 'config' | 'snapshotSigner' | 'timestampSigner'>> & {
	readonly mark?: AdoptableMarkStore;
};

export class TestRepository {
	/** A whole second; signed times are cut to seconds. */
	nowMs = Date.UTC(2026, 5, 1, 12);
	readonly rootKeys = three('ed25519');
	readonly targetsKeys = three('ecdsa-sha2-256-nistp256');
	readonly snapshotKey = generateSigner('ecdsa-sha2-256-nistp256');
	readonly timestampKey = generateSigner('ed25519');
	readonly data: TestDatabase;
	deps: TufDeps;
	/** The path of the mark: outside of the database. */
	readonly markFile: string;
	readonly #folder: string;
	#place: AdoptableMarkStore;
	service: Service;

	private constructor(data: TestDatabase, options: RepositoryOptions) {
		this.data = data;
		this.#folder = mkdtempSync(join(tmpdir(), 'chancery-tuf-mark-'));
		this.markFile = join(this.#folder, 'tuf.mark');
		this.#place = openFileMark(this.markFile);
		this.deps = {
			database: data.database,
			clock: () => this.nowMs,
			config: {
				...configSchema().parse({
					publicUrl: 'http://tuf.test',
					operator: 'tuf.test',
					services: [],
					admin: {
						tokens: [
							{ name: 'ops', role: 'operator', sha256: sha256Hex(OPERATOR) },
							{ name: 'ca', role: 'service', sha256: sha256Hex(SERVICE) },
						],
					},
					...options.config,
				}),
				services: options.services ?? [],
			},
			fetch,
			snapshotSigner: this.snapshotKey,
			timestampSigner: this.timestampKey,
			mark: new RepositoryMark(this.#place, data.database, 'http://tuf.test'),
			metrics: createMetrics('tuf', { series: TUF_SERIES }),
		};
		this.service = undefined as unknown as Service;
	}

	static async open(options: RepositoryOptions = {}): Promise<TestRepository> {
		const data = await createTestDatabase();
		await migrateSchema(data.database);
		const repository = new TestRepository(data, options);
		await repository.restart();
		return repository;
	}

	/** As after a crash: a new process with the same database and, unless changed, the same keys. */
	async restart(changes: RestartChanges = {}): Promise<void> {
		await this.#place.close?.();
		this.#place = openFileMark(this.markFile);
		this.deps = { ...this.deps, mark: new RepositoryMark(this.#place, this.data.database, 'http://tuf.test') };
		const { config, snapshotSigner, timestampSigner } = { ...this.deps, ...changes };
		this.service = await tuf.open({
			...this.deps,
			config,
			profile: 'development',
			signers: { snapshot: snapshotSigner, timestamp: timestampSigner },
			marks: { mark: changes.mark ?? this.#place },
			random: (n) => new Uint8Array(n),
			logger: createLogger({ level: 'silent', json: true, name: 'tuf' }),
		});
	}

	/** Lets another process use the mark, as while the service is stopped; `restart` ends that. */
	async takeMark(): Promise<AdoptableMarkStore> {
		await this.#place.close?.();
		this.#place = openFileMark(this.markFile);
		return this.#place;
	}

	/** Another process with the same database and this access to the mark. */
	async replica(mark: AdoptableMarkStore): Promise<{ deps: TufDeps; timestamp: () => Promise<number> }> {
		const deps = { ...this.deps, mark: new RepositoryMark(mark, this.data.database, 'http://tuf.test') };
		const read = async () =>
			JSON.parse(Buffer.from((await readMetadataFile(deps, 'timestamp.json')).content).toString());
		return { deps, timestamp: async () => (await read()).signed.version };
	}

	/** The same rules on another database object, such as one that fails. */
	depsOn(database: Database): TufDeps {
		return { ...this.deps, database };
	}

	/** Resets to a repository in which nothing was ever published. */
	async reset(): Promise<void> {
		await this.data.database.query('truncate tuf.metadata, tuf.target_file, tuf.tuf_mark_holder, tuf.adoption');
		rmSync(this.markFile, { force: true });
		await this.restart();
	}

	/** Does what a restored backup does, or a standby that was behind. Returns a function that restores the removed rows. */
	async goBack(where: string): Promise<() => Promise<void>> {
		const { database } = this.data;
		await database.query(`create table taken as select * from tuf.metadata where ${where}`);
		await database.query('alter table tuf.metadata disable trigger user');
		await database.query(`delete from tuf.metadata where ${where}`);
		await database.query('alter table tuf.metadata enable trigger user');
		return async () => {
			await database.query('insert into tuf.metadata select * from taken on conflict do nothing');
			await database.query('drop table taken');
		};
	}

	async close(): Promise<void> {
		await this.service.close();
		await this.data.drop();
		rmSync(this.#folder, { recursive: true });
	}

	app(name: 'public' | 'admin'): FastifyInstance {
		return this.service.listeners.find((listener) => listener.name === name)!.app;
	}

	async get(url: string, headers: Record<string, string> = {}): Promise<Answer> {
		return answerOf(await this.app('public').inject({ method: 'GET', url, headers }));
	}

	async post(url: string, body: unknown, token: string | null = OPERATOR): Promise<Answer> {
		const headers = token === null ? {} : { authorization: `Bearer ${token}` };
		return answerOf(await this.app('admin').inject({ method: 'POST', url, headers, payload: JSON.stringify(body) }));
	}

	async makeRoot(plan: RootPlan = {}): Promise<SignedMetadata<object>> {
		const { rootKeys, targetsKeys } = this;
		const root = buildRoot({
			version: plan.version ?? 1,
			expires: this.inDays(plan.expiresInDays ?? 365),
			roles: {
				root: assigned(plan.root ?? rootKeys, plan.rootThreshold ?? 2),
				targets: assigned(plan.targets ?? targetsKeys, plan.targetsThreshold ?? 2),
				snapshot: assigned(plan.snapshot ?? [this.snapshotKey], plan.onlineThreshold ?? 1),
				timestamp: assigned(plan.timestamp ?? [this.timestampKey], plan.onlineThreshold ?? 1),
			},
		});
		return signMetadata(plan.change ? plan.change(root) : root, plan.signers ?? rootKeys.slice(0, 2));
	}

	async publishRoot(plan: RootPlan = {}): Promise<Answer> {
		return this.post('/admin/v1/roots', { root: await this.makeRoot(plan) });
	}

	async makeTargets(
		version: number,
		files: Readonly<Record<string, string>>,
		options: {
			signers?: readonly Signer[];
			expiresInDays?: number;
			change?: (targets: TargetsMetadata) => object;
		} = {},
	): Promise<SignedMetadata<object>> {
		const targets = buildTargets({
			version,
			expires: this.inDays(options.expiresInDays ?? 365),
			targets: Object.fromEntries(
				Object.entries(files).map(([name, content]) => [
					name,
					{ length: Buffer.byteLength(content), hashes: { sha256: sha256Hex(content) } },
				]),
			),
		});
		return signMetadata(
			options.change ? options.change(targets) : targets,
			options.signers ?? this.targetsKeys.slice(0, 2),
		);
	}

	async postTargets(targets: object, files: Readonly<Record<string, string>>): Promise<Answer> {
		const list = Object.entries(files).map(([name, content]) => ({ name, content: btoa(content) }));
		return this.post('/admin/v1/targets', { targets, files: list });
	}

	async publishTargets(version: number, files: Readonly<Record<string, string>>): Promise<Answer> {
		return this.postTargets(await this.makeTargets(version, files), files);
	}

	/** Newest version and content of each role, straight from the table. */
	async published(): Promise<Readonly<Record<string, { version: number; signed: Record<string, unknown> }>>> {
		const rows = await this.data.database.query<{ role: string; version: number; content: Uint8Array }>(
			`select distinct on (role) role, version, content from tuf.metadata order by role, version desc`,
		);
		return Object.fromEntries(
			rows.map(({ role, version, content }) => [
				role,
				{ version, signed: JSON.parse(Buffer.from(content).toString()).signed },
			]),
		);
	}

	async versions(): Promise<Readonly<Record<string, number>>> {
		return Object.fromEntries(Object.entries(await this.published()).map(([role, { version }]) => [role, version]));
	}

	inDays(days: number): Date {
		return new Date(this.nowMs + days * DAY_MS);
	}
}

/** Path under which clients ask for a target. */
export function targetPath(name: string, content: string): string {
	return `/targets/${sha256Hex(content)}.${name}`;
}

function assigned(signers: readonly Signer[], threshold: number): RoleAssignment {
	return { keys: signers.map(({ publicKey }) => identifyKey(publicKey)), threshold };
}

function three(algorithm: Signer['algorithm']): readonly Signer[] {
	return [generateSigner(algorithm), generateSigner(algorithm), generateSigner(algorithm)];
}

function answerOf(reply: { statusCode: number; headers: object; rawPayload: Buffer; payload: string }): Answer {
	const { statusCode: status, rawPayload } = reply;
	return {
		status,
		headers: { ...reply.headers },
		bytes: new Uint8Array(rawPayload),
		get json() {
			return JSON.parse(reply.payload);
		},
	};
}
