/**
 * The client's part of TUF, with tuf-js: from a root that was obtained out of band to the current trusted root and signing
 * configuration.
 */
import { randomBytes } from 'node:crypto';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { parseUniqueJson } from '@chancery/core/json';
import { explainTlsFailure } from '@chancery/net/tls-failure';
import { openTrustedRoot, type TrustMaterial } from '@chancery/verify/trust-material';
import { malformation } from '@chancery/wire/schema-problem';
import { parseSigningConfig, type SigningConfig } from '@chancery/wire/signing-config';
import { Updater } from 'tuf-js';
import { ClientError } from './client-error.ts';
import {
	commitDraft,
	dropDraft,
	type Generation,
	isSameContent,
	lastingPath,
	makeCacheFolder,
	makeDraft,
	newestGeneration,
} from './trust-cache.ts';
import { tufFetcher } from './tuf-fetcher.ts';
import { isSameRepository, readRoot, type TufRoot } from './tuf-root.ts';

export interface TufSource {
	/** Base URL of the repository. */
	readonly mirror: string;
	/** Folder of this repository's cache; one per mirror. */
	readonly cacheDir: string;
	/** A cache of an earlier version: it is read when `cacheDir` is empty, and not changed. */
	readonly earlierCacheDir?: string;
	/** The root to start with, when the cache has none yet. A cached root is newer or the same, and is preferred. */
	readonly initialRoot?: Uint8Array;
	/** Called when the mirror is overloaded and will be asked again. */
	readonly onWait?: (message: string) => void;
}

export interface TufTrust {
	readonly trust: TrustMaterial;
	readonly signingConfig: SigningConfig;
	/** Paths of the verified files. */
	readonly trustedRootPath: string;
	readonly signingConfigPath: string;
}

const TRUSTED_ROOT = 'trusted_root.json';
const SIGNING_CONFIG = 'signing_config.v0.2.json';
/** Time limit for all requests of an update together. */
const RETRY_FOR_MS = 60_000;
/** Attempts: of several runs at the same time, only one commits in each round. */
const MAX_RACES = 20;

/**
 * Updates the cache from the mirror and reads the trust in it. On failure the cache is not changed.
 * @throws {ClientError} `trust-unavailable`
 */
export async function fetchTrust(source: TufSource): Promise<TufTrust> {
	return explained(source, async (previous) => {
		if (previous !== undefined) return { from: previous };
		if (source.initialRoot) return { from: undefined, root: source.initialRoot };
		throw unavailable(`there is no root for ${source.mirror} yet; give one that you trust (initialize --root)`);
	});
}

/**
 * Trusts the repository from now on, starting with a root that the user obtained in a way he trusts. When the cache already
 * knows this repository, by a common key of its roots, the update continues from the seen versions: an older state is
 * refused. The root of another repository replaces the existing trust, after it has led to a complete and valid state.
 * @throws {ClientError} `trust-unavailable`; the cache is then unchanged
 */
export async function beginTrust(source: TufSource & { readonly initialRoot: Uint8Array }): Promise<TufTrust> {
	const given = readGivenRoot(source.initialRoot);
	return explained(source, async (previous) => {
		const seen = previous === undefined ? undefined : await cachedRoot(previous);
		if (seen === undefined || !isSameRepository(given, seen))
			// The seen versions of timestamp and snapshot still count, if the new root also trusts the keys that signed them.
			return { root: source.initialRoot, from: previous, seen };
		if (given.version === seen.version && given.signed !== seen.signed)
			throw unavailable(
				`another root ${seen.version} of the same repository is trusted here already; ${forget(source)}`,
			);
		return { from: previous, seen: given.version > seen.version ? given : seen };
	});
}

/** Where an update starts, and the versions that it must not go below. */
interface Beginning {
	/** The generation or cache to continue from. */
	readonly from: string | undefined;
	/** The root to start with, instead of the one in `from`. */
	readonly root?: Uint8Array;
	readonly seen?: TufRoot | undefined;
}

async function explained(
	source: TufSource,
	begin: (previous: string | undefined) => Promise<Beginning>,
): Promise<TufTrust> {
	try {
		for (let race = 0; race < MAX_RACES; race++) {
			const trust = await tryUpdate(source, begin);
			if (trust) return trust;
		}
		throw unavailable(`${source.cacheDir} is updated by others all the time`);
	} catch (cause) {
		if (cause instanceof ClientError) throw cause;
		throw new ClientError('trust-unavailable', explain(source, cause), { cause });
	}
}

/** Returns undefined when another run was first. */
async function tryUpdate(
	source: TufSource,
	begin: (previous: string | undefined) => Promise<Beginning>,
): Promise<TufTrust | undefined> {
	const { cacheDir, mirror } = source;
	const newest = await newestGeneration(cacheDir);
	const beginning = await begin(newest?.path ?? (await earlierCache(source)));
	await makeCacheFolder(cacheDir, { mirror });
	const draft = await makeDraft(cacheDir, beginning.from);
	try {
		if (beginning.root) await writeFile(join(draft, 'root.json'), beginning.root, { mode: 0o600 });
		const trust = await update(source, draft);
		checkNotOlder(readRoot(await readFile(join(draft, 'root.json'))), beginning.seen, source);
		const generation =
			newest && (await isSameContent(newest.path, draft)) ? newest : await commitDraft(cacheDir, draft, newest);
		return generation && { ...trust, ...(await pathsIn(cacheDir, generation)) };
	} finally {
		await dropDraft(draft);
	}
}

async function update(
	{ mirror, onWait }: TufSource,
	draft: string,
): Promise<Pick<TufTrust, 'trust' | 'signingConfig'>> {
	const baseUrl = mirror.replace(/\/+$/, '');
	const retries = {
		untilMs: Date.now() + RETRY_FOR_MS,
		clock: Date.now,
		sleep: setTimeout,
		random: randomBytes,
		onWait: onWait ?? (() => undefined),
	};
	const updater = new Updater({
		metadataDir: draft,
		metadataBaseUrl: baseUrl,
		targetDir: join(draft, 'targets'),
		targetBaseUrl: `${baseUrl}/targets`,
		fetcher: tufFetcher(draft, fetch, retries),
	});
	await updater.refresh();
	const trustedRoot = await download(updater, TRUSTED_ROOT);
	const signingConfig = await download(updater, SIGNING_CONFIG);
	await rm(join(draft, 'download'), { force: true });
	return {
		trust: openTrustedRoot(parseUniqueJson(await readFile(trustedRoot, 'utf8'))),
		signingConfig: parseSigningConfig(parseUniqueJson(await readFile(signingConfig, 'utf8'))),
	};
}

async function download(updater: Updater, name: string): Promise<string> {
	const info = await updater.getTargetInfo(name);
	if (!info) throw unavailable(`the repository has no target ${name}`);
	return (await updater.findCachedTarget(info)) ?? updater.downloadTarget(info);
}

async function pathsIn(cacheDir: string, generation: Generation) {
	const targets = join(await lastingPath(cacheDir, generation), 'targets');
	return { trustedRootPath: join(targets, TRUSTED_ROOT), signingConfigPath: join(targets, SIGNING_CONFIG) };
}

async function earlierCache({ earlierCacheDir }: TufSource): Promise<string | undefined> {
	if (earlierCacheDir === undefined) return undefined;
	return (await cachedRoot(earlierCacheDir)) && earlierCacheDir;
}

/** Undefined when there is none, or when it cannot be parsed. */
async function cachedRoot(folder: string): Promise<TufRoot | undefined> {
	try {
		return readRoot(await readFile(join(folder, 'root.json')));
	} catch {
		return undefined;
	}
}

/** tuf-js compares with the state where it started. This compares with everything that was seen, or given by hand. */
function checkNotOlder(reached: TufRoot, seen: TufRoot | undefined, source: TufSource): void {
	if (seen === undefined || reached.version >= seen.version || !isSameRepository(reached, seen)) return;
	throw unavailable(
		`${source.mirror} shows root ${reached.version}, but root ${seen.version} of the same repository is known here: its files are old; ${forget(source)}`,
	);
}

function forget({ cacheDir }: TufSource): string {
	return `if that is meant, remove ${cacheDir} to forget what was seen`;
}

function readGivenRoot(bytes: Uint8Array): TufRoot {
	try {
		return readRoot(bytes);
	} catch (cause) {
		throw unavailable(
			`the given root is no TUF root: ${cause instanceof Error ? cause.message : String(cause)}`,
			cause,
		);
	}
}

function explain({ mirror, cacheDir }: TufSource, cause: unknown): string {
	if (cause instanceof Error && 'syscall' in cause && 'path' in cause) {
		const { code } = cause as NodeJS.ErrnoException;
		return `the trust in ${cacheDir} cannot be read or kept (${code}); name another folder in TUF_ROOT, or give --trusted-root`;
	}
	const host = URL.parse(mirror)?.host ?? mirror;
	const reason =
		explainTlsFailure(cause, host) ??
		malformation(cause) ??
		(cause instanceof Error ? cause.message : String(cause)).replaceAll(/\s+/g, ' ');
	return `${mirror} gave no trusted root: ${reason}`;
}

function unavailable(message: string, cause?: unknown): ClientError {
	return new ClientError('trust-unavailable', message, { cause });
}
