/**
 * Publication: everything that a change makes new becomes visible in one transaction, so that no client ever sees a
 * timestamp whose snapshot, targets or files are missing.
 *
 * A crash before COMMIT leaves nothing; after it, everything is stored, but nothing is served before the mark covers it
 * (repository-mark.ts). The two online files are signed before the transaction, so that no transaction waits for a signer.
 * The primary key fixes their versions: of two publishers at the same time, the later one fails completely and may try again.
 */

import { DomainError } from '@chancery/chassis/domain-error';
import type { Clock } from '@chancery/chassis/service';
import { toHex } from '@chancery/core/bytes';
import { parseRfc3339 } from '@chancery/core/calendar-time';
import { sha256 } from '@chancery/core/sha';
import type { Signer } from '@chancery/keys/signer';
import { CommitUnknownError, sqlState } from '@chancery/postgres/pg-errors';
import type { Database, Sql } from '@chancery/postgres/sql';
import type { TufConfig } from '../config.ts';
import {
	buildSnapshot,
	buildTimestamp,
	ROLES,
	type Role,
	type RootMetadata,
	type SignedMetadata,
	type TargetsMetadata,
	targetName,
} from '../metadata/metadata.ts';
import {
	checkThreshold,
	encodeMetadata,
	isSignedUnder,
	parseMetadata,
	readMetadata,
	signMetadata,
} from '../metadata/signed-metadata.ts';
import type { TufMetrics } from '../metrics.ts';
import { type SeenVersions, seenVersions } from '../store/mark-holder.ts';
import { insertMetadata, latestMetadata, type MetadataRow } from '../store/metadata.ts';
import { insertTargetFile } from '../store/target-files.ts';
import type { RepositoryMark } from './repository-mark.ts';
import { checkRoot } from './root-rules.ts';
import { requireNoLostRoot, requireSeenRoot } from './seen-roots.ts';

export interface TufDeps {
	readonly database: Database;
	readonly clock: Clock;
	readonly config: TufConfig;
	readonly fetch: typeof fetch;
	/** The two online keys. Root and targets keys are never given to a server. */
	readonly snapshotSigner: Signer;
	readonly timestampSigner: Signer;
	/** What was published before, as clients have seen it. */
	readonly mark: RepositoryMark;
	readonly metrics: TufMetrics;
}

export interface TargetFile {
	readonly name: string;
	readonly content: Uint8Array;
}

const DAY_MS = 86_400_000;
/** Ten years: what the configuration allows for targets, and more than keyholders should promise. */
const MAX_LIFETIME_DAYS = 3653;
const UNIQUE_VIOLATION = '23505';

/** The newest targets, or undefined before the first publication. */
export async function currentTargets(deps: {
	readonly database: Sql;
}): Promise<SignedMetadata<TargetsMetadata> | undefined> {
	const row = await latestMetadata(deps.database, 'targets');
	return row && parseMetadata(row.content, 'targets');
}

/**
 * Publishes a root: version 1 by its own threshold, every later one by the thresholds of its predecessor and its own.
 * A new timestamp is published with it, and a new snapshot when the old one was signed by a removed key: clients with the new
 * root would refuse files that only the old root allows.
 * @throws {DomainError} `invalid-metadata`, `unsupported-key`, `wrong-version`, `threshold-not-met`, `lost-root`
 */
export async function publishRoot(deps: TufDeps, value: unknown): Promise<{ version: number }> {
	await deps.mark.compare();
	const state = await readState(deps);
	const root = readMetadata(value, 'root');
	const { signed } = root;
	checkNextVersion('root', signed.version, state.root?.version ?? 0);
	requireSeenRoot(state.seen, root);
	checkRoot(signed, { snapshot: deps.snapshotSigner.publicKey, timestamp: deps.timestampSigner.publicKey });
	if (state.root) checkThreshold(root, parseMetadata(state.root.content, 'root').signed, 'root');
	checkThreshold(root, signed, 'root');
	checkExpiry('root', signed.expires, deps.clock());

	const { targets, snapshot } = state;
	const online: Publication[] = [];
	if (targets && snapshot) {
		const isKept = isSignedUnder(signed, 'snapshot', snapshot.content);
		online.push(...(await signNext(deps, state, signed, isKept ? undefined : targets.version)));
	}
	await inOneTransaction(deps, [['root', root], ...online], []);
	return { version: signed.version };
}

/**
 * Publishes targets and their files, and signs the snapshot and timestamp that lead to them.
 * @throws {DomainError} `invalid-metadata`, `invalid-target`, `wrong-version`, `threshold-not-met`, `no-root`, `lost-root`
 */
export async function publishTargets(
	deps: TufDeps,
	value: unknown,
	files: readonly TargetFile[],
): Promise<{ version: number; snapshotVersion: number; timestampVersion: number }> {
	await deps.mark.compare();
	const state = await readState(deps);
	const root = rootOf(state);
	requireNoLostRoot(state.seen, root.version);
	const targets = readMetadata(value, 'targets');
	checkNextVersion('targets', targets.signed.version, newestVersion(state, 'targets'));
	checkThreshold(targets, root, 'targets');
	checkExpiry('targets', targets.signed.expires, deps.clock());
	checkFiles(targets.signed, files);

	const online = await signNext(deps, state, root, targets.signed.version);
	await inOneTransaction(deps, [['targets', targets], ...online], files);
	const versionOf = (wanted: Role) => online.find(([role]) => role === wanted)?.[1].signed.version ?? 0;
	return {
		version: targets.signed.version,
		snapshotVersion: versionOf('snapshot'),
		timestampVersion: versionOf('timestamp'),
	};
}

/**
 * Signs again before files get too old: the timestamp daily, the snapshot after half of its lifetime, and both when the root no
 * longer lists the key that signed them. Returns the renewed roles. Versions always grow, because clients discard a file whose
 * version they have seen.
 */
export async function renewOnlineMetadata(deps: TufDeps): Promise<Role[]> {
	await deps.mark.compare();
	const state = await readState(deps);
	const { targets, snapshot, timestamp } = state;
	if (!targets || !snapshot || !timestamp) return [];
	const root = rootOf(state);
	const now = deps.clock();
	const isSnapshotDue =
		now >= snapshot.expiresAt.getTime() - (deps.config.snapshotValidForDays * DAY_MS) / 2 ||
		!isSignedUnder(root, 'snapshot', snapshot.content);
	const isTimestampDue =
		isSnapshotDue ||
		now >= timestamp.publishedAt.getTime() + DAY_MS ||
		!isSignedUnder(root, 'timestamp', timestamp.content);
	if (!isTimestampDue) return [];

	const renewed = await signNext(deps, state, root, isSnapshotDue ? targets.version : undefined);
	await inOneTransaction(deps, renewed, []);
	return renewed.map(([role]) => role);
}

type RepositoryState = Partial<Readonly<Record<Role, MetadataRow>>> & { readonly seen: SeenVersions };

/**
 * The newest file of each role. The timestamp is read first, and every publication publishes the next one. So a publisher that
 * comes after this moment takes that version, and a publication made from older files than the newest fails completely. It can
 * never bring clients back to older files.
 */
async function readState({ database }: TufDeps): Promise<RepositoryState> {
	const state: Partial<Record<Role, MetadataRow>> = {};
	for (const role of ['timestamp', 'snapshot', 'targets', 'root'] as const) {
		const row = await latestMetadata(database, role);
		if (row) state[role] = row;
	}
	return { ...state, seen: await seenVersions(database) };
}

function rootOf({ root }: RepositoryState): RootMetadata {
	if (!root) throw new DomainError('no-root', 'no root was published yet; publish the first root before anything else');
	return parseMetadata(root.content, 'root').signed;
}

/** The newest version that clients may have seen, also of what a database that was adopted has lost. */
function newestVersion(state: RepositoryState, role: Exclude<Role, 'root'>): number {
	return Math.max(state[role]?.version ?? 0, state.seen[role]);
}

/** Shows how far the roles are, also what other processes have published. */
export async function gaugeVersions(deps: TufDeps): Promise<void> {
	for (const role of ROLES) {
		const row = await latestMetadata(deps.database, role);
		if (row) gaugeVersion(deps.metrics, role, row);
	}
}

function gaugeVersion(metrics: TufMetrics, role: Role, { version, expiresAt }: MetadataRow): void {
	metrics.gauge('chancery_tuf_version', version, { role });
	metrics.gauge('chancery_tuf_expiry_timestamp_seconds', expiresAt.getTime() / 1000, { role });
}

type Publication = readonly [role: Role, metadata: SignedMetadata<{ version: number; expires: string }>];

/** Signs the next timestamp and, if `targetsVersion` needs one, the next snapshot. */
async function signNext(
	deps: TufDeps,
	state: RepositoryState,
	root: RootMetadata,
	targetsVersion: number | undefined,
): Promise<Publication[]> {
	const after = (days: number) => new Date(deps.clock() + days * DAY_MS);
	const signed: Publication[] = [];
	let snapshotVersion = state.snapshot?.version ?? 0;
	if (targetsVersion !== undefined) {
		snapshotVersion = newestVersion(state, 'snapshot') + 1;
		const expires = after(deps.config.snapshotValidForDays);
		const snapshot = buildSnapshot({ version: snapshotVersion, expires, targetsVersion });
		signed.push(['snapshot', await signMetadata(snapshot, [deps.snapshotSigner])]);
	}
	const version = newestVersion(state, 'timestamp') + 1;
	const expires = after(deps.config.timestampValidForDays);
	const timestamp = buildTimestamp({ version, expires, snapshotVersion });
	signed.push(['timestamp', await signMetadata(timestamp, [deps.timestampSigner])]);
	// Nothing is published that a client would refuse, not even by our own signature.
	for (const [role, metadata] of signed) checkThreshold(metadata, root, role);
	return signed;
}

async function inOneTransaction(
	deps: TufDeps,
	publications: readonly Publication[],
	files: readonly TargetFile[],
): Promise<void> {
	const rows = publications.map(([role, metadata]) => [role, rowOf(deps, role, metadata)] as const);
	try {
		await deps.database.transaction(async (sql) => {
			await deps.mark.requireContained(sql);
			for (const { content } of files) await insertTargetFile(sql, sha256(content), content);
			for (const [role, row] of rows) await insertMetadata(sql, role, row);
		});
	} catch (cause) {
		if (cause instanceof CommitUnknownError)
			throw new DomainError(
				'unavailable',
				'the database did not say whether it was published; look before you repeat',
				{
					cause,
				},
			);
		if (sqlState(cause) !== UNIQUE_VIOLATION) throw cause;
		throw new DomainError(
			'wrong-version',
			'somebody else published at the same moment; look at the new state and repeat',
			{
				cause,
			},
		);
	}
	for (const [role, row] of rows) {
		deps.metrics.count('chancery_tuf_publications_total', 1, { role });
		gaugeVersion(deps.metrics, role, row);
	}
	// Published, and not yet shown to anyone. When the mark cannot advance, the next comparison makes up for it.
	await deps.mark.compare();
}

/** Every described file must be in the request or already stored under its hash; other files are refused. */
function checkFiles(targets: TargetsMetadata, files: readonly TargetFile[]): void {
	const given = new Map(files.map((file) => [file.name, file.content]));
	if (given.size !== files.length) throw badTarget('a file is given twice');
	for (const [name, { length, hashes }] of Object.entries(targets.targets)) {
		const content = given.get(name);
		if (!content) throw badTarget(`the file ${name} is missing`);
		if (content.length !== length || toHex(sha256(content)) !== hashes.sha256)
			throw badTarget(`the file ${name} is not the one that the metadata describes`);
	}
	for (const name of given.keys()) {
		if (!targetName.safeParse(name).success || !Object.hasOwn(targets.targets, name))
			throw badTarget(`the metadata does not describe the file ${JSON.stringify(name.slice(0, 100))}`);
	}
}

function checkNextVersion(role: Role, version: number, latest: number): void {
	if (version !== latest + 1)
		throw new DomainError('wrong-version', `the next version of ${role} is ${latest + 1}, not ${version}`);
}

/**
 * The date must not be in the past, nor so far ahead that nobody renews it. Otherwise, an attacker who once has enough keys could
 * make a file that outlives every later revocation.
 */
function checkExpiry(role: Role, expires: string, nowMs: number): void {
	const expiresMs = parseRfc3339(expires).getTime();
	if (expiresMs <= nowMs) throw new DomainError('invalid-metadata', `${role} expired at ${expires}`);
	if (expiresMs > nowMs + MAX_LIFETIME_DAYS * DAY_MS)
		throw new DomainError(
			'invalid-metadata',
			`${role} shall expire at ${expires}; at most ${MAX_LIFETIME_DAYS} days from now are allowed`,
		);
}

function rowOf(deps: TufDeps, role: Role, metadata: Publication[1]): MetadataRow {
	return {
		version: metadata.signed.version,
		content: encodeMetadata(metadata, role),
		expiresAt: parseRfc3339(metadata.signed.expires),
		publishedAt: new Date(deps.clock()),
	};
}

function badTarget(detail: string): DomainError {
	return new DomainError('invalid-target', detail);
}
