/**
 * The client's side of TUF, on tuf-js: from a root that was obtained out of band to the trusted root and the signing
 * configuration of today.
 */
import { randomUUID } from 'node:crypto';
import { copyFile, link, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openTrustedRoot, type TrustMaterial } from '@chancery/verify/trust-material';
import { parseSigningConfig, type SigningConfig } from '@chancery/wire/signing-config';
import { explainTlsFailure } from '@chancery/wire/tls-failure';
import { Updater } from 'tuf-js';
import { ClientError } from './client-error.ts';

export interface TufSource {
	/** Base URL of the repository. */
	readonly mirror: string;
	/** Folder of this repository's cache; one per mirror. */
	readonly cacheDir: string;
	/** The root to begin with, when the cache has none yet. A cached root is newer or the same, and wins. */
	readonly initialRoot?: Uint8Array;
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

/**
 * Updates the cache from the mirror and opens what it says.
 * @throws ClientError `trust-unavailable`
 */
export async function fetchTrust(source: TufSource): Promise<TufTrust> {
	let isFirst = false;
	try {
		await mkdir(join(source.cacheDir, 'targets'), { recursive: true, mode: 0o700 });
		isFirst = await placeInitialRoot(source);
		return await update(source);
	} catch (cause) {
		// A root that led nowhere must not stand in the way of the right one.
		if (isFirst) await rm(join(source.cacheDir, 'root.json'), { force: true });
		if (cause instanceof ClientError) throw cause;
		const host = URL.parse(source.mirror)?.host ?? source.mirror;
		const reason = explainTlsFailure(cause, host) ?? (cause instanceof Error ? cause.message : String(cause));
		throw new ClientError('trust-unavailable', `${source.mirror} gave no trusted root: ${reason}`, { cause });
	}
}

async function update({ mirror, cacheDir }: TufSource): Promise<TufTrust> {
	const baseUrl = mirror.replace(/\/+$/, '');
	const updater = new Updater({
		metadataDir: cacheDir,
		metadataBaseUrl: baseUrl,
		targetDir: join(cacheDir, 'targets'),
		targetBaseUrl: `${baseUrl}/targets`,
		config: { fetchTimeout: 10_000, fetchRetry: 1 },
	});
	await updater.refresh();
	const trustedRootPath = await download(updater, TRUSTED_ROOT);
	const signingConfigPath = await download(updater, SIGNING_CONFIG);
	return {
		trust: openTrustedRoot(JSON.parse(await readFile(trustedRootPath, 'utf8'))),
		signingConfig: parseSigningConfig(JSON.parse(await readFile(signingConfigPath, 'utf8'))),
		trustedRootPath,
		signingConfigPath,
	};
}

/** Answers whether the initial root was put in place; a crash leaves it there whole, or not at all. */
async function placeInitialRoot({ cacheDir, initialRoot, mirror }: TufSource): Promise<boolean> {
	const path = join(cacheDir, 'root.json');
	const exists = await readFile(path).then(
		() => true,
		() => false,
	);
	if (exists) return false;
	if (!initialRoot)
		throw new ClientError(
			'trust-unavailable',
			`there is no root for ${mirror} yet; give one that you trust (initialize --root)`,
		);
	const temporary = join(cacheDir, `${randomUUID()}.root`);
	await writeFile(temporary, initialRoot, { mode: 0o600 });
	try {
		// Unlike a rename, a link never replaces what another run has put there meanwhile.
		await link(temporary, path);
		return true;
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
		throw error;
	} finally {
		await rm(temporary, { force: true });
	}
}

async function download(updater: Updater, name: string): Promise<string> {
	const info = await updater.getTargetInfo(name);
	if (!info) throw new ClientError('trust-unavailable', `the repository has no target ${name}`);
	return (await updater.findCachedTarget(info)) ?? updater.downloadTarget(info);
}

/** Copies the verified files to names of the caller's choice. */
export async function exportTrust(trust: TufTrust, trustedRootPath: string, signingConfigPath: string): Promise<void> {
	await copyFile(trust.trustedRootPath, trustedRootPath);
	await copyFile(trust.signingConfigPath, signingConfigPath);
}
