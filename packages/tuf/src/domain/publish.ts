/**
 * Publication: everything that a change makes new becomes visible in one transaction, so that no client ever sees a
 * timestamp whose snapshot, targets or files are missing.
 *
 * A crash before COMMIT leaves nothing; after it, everything. The two online files are signed before the transaction,
 * so that no signer is waited for inside it; their versions are fixed by the primary key, and of two publishers at
 * once the later one fails whole and may simply try again.
 */

import { DomainError } from '@chancery/chassis/domain-error';
import type { Clock } from '@chancery/chassis/service';
import { toHex } from '@chancery/core/bytes';
import { sha256 } from '@chancery/core/sha';
import type { Signer } from '@chancery/keys/signer';
import { sqlState } from '@chancery/postgres/pg-errors';
import type { Database } from '@chancery/postgres/sql';
import type { TufConfig } from '../config.ts';
import { insertMetadata, latestMetadata, type MetadataRow } from '../store/metadata.ts';
import { insertTargetFile } from '../store/target-files.ts';
import {
	buildSnapshot,
	buildTimestamp,
	type Role,
	type RootMetadata,
	type SignedMetadata,
	type TargetsMetadata,
	targetName,
} from './metadata.ts';
import { checkThreshold, encodeMetadata, parseMetadata, readMetadata, signMetadata } from './signed-metadata.ts';
import { identifyKey } from './tuf-keys.ts';

export interface TufDeps {
	readonly database: Database;
	readonly clock: Clock;
	readonly config: TufConfig;
	readonly fetch: typeof fetch;
	/** The two online keys. Root and targets keys are never given to a server. */
	readonly snapshotSigner: Signer;
	readonly timestampSigner: Signer;
}

export interface TargetFile {
	readonly name: string;
	readonly content: Uint8Array;
}

const DAY_MS = 86_400_000;
const UNIQUE_VIOLATION = '23505';

/** The newest root. @throws DomainError `no-root` */
export async function currentRoot(deps: TufDeps): Promise<SignedMetadata<RootMetadata>> {
	const row = await latestMetadata(deps.database, 'root');
	if (!row) throw new DomainError('no-root', 'no root was published yet; publish the first root before anything else');
	return parseMetadata(row.content, 'root');
}

/** The newest targets, or undefined before the first publication. */
export async function currentTargets(deps: TufDeps): Promise<SignedMetadata<TargetsMetadata> | undefined> {
	const row = await latestMetadata(deps.database, 'targets');
	return row && parseMetadata(row.content, 'targets');
}

/**
 * Publishes a root: version 1 by its own threshold, every later one by the thresholds of its predecessor and its own.
 * @throws DomainError `invalid-metadata`, `wrong-version`, `threshold-not-met`
 */
export async function publishRoot(deps: TufDeps, value: unknown): Promise<{ version: number }> {
	const root = readMetadata(value, 'root');
	const latest = await latestMetadata(deps.database, 'root');
	checkNextVersion('root', root.signed.version, latest?.version ?? 0);
	if (latest) checkThreshold(root, parseMetadata(latest.content, 'root').signed, 'root');
	checkThreshold(root, root.signed, 'root');
	checkUnexpired('root', root.signed.expires, deps.clock());
	for (const [role, signer] of [
		['snapshot', deps.snapshotSigner],
		['timestamp', deps.timestampSigner],
	] as const) {
		if (!root.signed.roles[role].keyids.includes(identifyKey(signer.publicKey).keyId))
			throw new DomainError(
				'invalid-metadata',
				`the root does not name this server's ${role} key, so that nothing could follow`,
			);
	}
	await inOneTransaction(deps, [['root', rowOf(deps, root)]], []);
	return { version: root.signed.version };
}

/**
 * Publishes targets and their files, and signs the snapshot and timestamp that lead to them.
 * @throws DomainError `invalid-metadata`, `invalid-target`, `wrong-version`, `threshold-not-met`, `no-root`
 */
export async function publishTargets(
	deps: TufDeps,
	value: unknown,
	files: readonly TargetFile[],
): Promise<{ version: number; snapshotVersion: number; timestampVersion: number }> {
	const root = (await currentRoot(deps)).signed;
	const targets = readMetadata(value, 'targets');
	const latest = await latestMetadata(deps.database, 'targets');
	checkNextVersion('targets', targets.signed.version, latest?.version ?? 0);
	checkThreshold(targets, root, 'targets');
	checkUnexpired('targets', targets.signed.expires, deps.clock());
	checkFiles(targets.signed, files);

	const snapshot = await nextSnapshot(deps, targets.signed.version);
	const timestamp = await nextTimestamp(deps, snapshot.signed.version);
	checkThreshold(snapshot, root, 'snapshot');
	checkThreshold(timestamp, root, 'timestamp');
	await inOneTransaction(
		deps,
		[
			['targets', rowOf(deps, targets)],
			['snapshot', rowOf(deps, snapshot)],
			['timestamp', rowOf(deps, timestamp)],
		],
		files,
	);
	return {
		version: targets.signed.version,
		snapshotVersion: snapshot.signed.version,
		timestampVersion: timestamp.signed.version,
	};
}

/**
 * Signs anew what would otherwise grow old: the timestamp daily, the snapshot at half its life. Answers which roles it
 * renewed. Versions always grow, because clients discard a file whose version they have seen.
 */
export async function renewOnlineMetadata(deps: TufDeps): Promise<Role[]> {
	const [targets, snapshot, timestamp] = await Promise.all([
		latestMetadata(deps.database, 'targets'),
		latestMetadata(deps.database, 'snapshot'),
		latestMetadata(deps.database, 'timestamp'),
	]);
	if (!targets || !snapshot || !timestamp) return [];
	const root = (await currentRoot(deps)).signed;
	const now = deps.clock();
	const isSnapshotDue = now >= snapshot.expiresAt.getTime() - (deps.config.snapshotValidForDays * DAY_MS) / 2;
	const isTimestampDue = isSnapshotDue || now >= timestamp.publishedAt.getTime() + DAY_MS;
	if (!isTimestampDue) return [];

	const renewed: [Role, SignedMetadata<{ version: number; expires: string }>][] = [];
	let snapshotVersion = snapshot.version;
	if (isSnapshotDue) {
		const next = await nextSnapshot(deps, targets.version);
		checkThreshold(next, root, 'snapshot');
		snapshotVersion = next.signed.version;
		renewed.push(['snapshot', next]);
	}
	const next = await nextTimestamp(deps, snapshotVersion);
	checkThreshold(next, root, 'timestamp');
	renewed.push(['timestamp', next]);
	await inOneTransaction(
		deps,
		renewed.map(([role, metadata]) => [role, rowOf(deps, metadata)]),
		[],
	);
	return renewed.map(([role]) => role);
}

async function nextSnapshot(deps: TufDeps, targetsVersion: number) {
	const version = ((await latestMetadata(deps.database, 'snapshot'))?.version ?? 0) + 1;
	const expires = new Date(deps.clock() + deps.config.snapshotValidForDays * DAY_MS);
	return signMetadata(buildSnapshot({ version, expires, targetsVersion }), [deps.snapshotSigner]);
}

async function nextTimestamp(deps: TufDeps, snapshotVersion: number) {
	const version = ((await latestMetadata(deps.database, 'timestamp'))?.version ?? 0) + 1;
	const expires = new Date(deps.clock() + deps.config.timestampValidForDays * DAY_MS);
	return signMetadata(buildTimestamp({ version, expires, snapshotVersion }), [deps.timestampSigner]);
}

async function inOneTransaction(
	deps: TufDeps,
	rows: readonly (readonly [Role, MetadataRow])[],
	files: readonly TargetFile[],
): Promise<void> {
	try {
		await deps.database.transaction(async (sql) => {
			for (const { content } of files) await insertTargetFile(sql, sha256(content), content);
			for (const [role, row] of rows) await insertMetadata(sql, role, row);
		});
	} catch (cause) {
		if (sqlState(cause) !== UNIQUE_VIOLATION) throw cause;
		throw new DomainError(
			'wrong-version',
			'somebody else published at the same moment; look at the new state and repeat',
			{
				cause,
			},
		);
	}
}

/** Every described file must be here or already stored under its hash, and nothing else may come along. */
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

function checkUnexpired(role: Role, expires: string, nowMs: number): void {
	if (Date.parse(expires) <= nowMs) throw new DomainError('invalid-metadata', `${role} expired at ${expires}`);
}

function rowOf(deps: TufDeps, metadata: SignedMetadata<{ version: number; expires: string }>): MetadataRow {
	return {
		version: metadata.signed.version,
		content: encodeMetadata(metadata),
		expiresAt: new Date(metadata.signed.expires),
		publishedAt: new Date(deps.clock()),
	};
}

function badTarget(detail: string): DomainError {
	return new DomainError('invalid-target', detail);
}
