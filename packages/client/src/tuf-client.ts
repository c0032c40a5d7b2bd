/**
 * The client's side of TUF, on tuf-js: from a root that was obtained out of band to the trusted root and the signing
 * configuration of today.
 */
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openTrustedRoot, type TrustMaterial } from '@chancery/verify/trust-material';
import { parseSigningConfig, type SigningConfig } from '@chancery/wire/signing-config';
import { Updater } from 'tuf-js';
import { ClientError } from './client-error.ts';

export interface TufSource {
	/** Base URL of the repository, without a trailing slash. */
	readonly mirror: string;
	/** Folder of this repository's cache; one per mirror. */
	readonly cacheDir: string;
	/** The root to begin with, when the cache has none yet. */
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
	try {
		const targetDir = join(source.cacheDir, 'targets');
		await mkdir(targetDir, { recursive: true });
		await placeInitialRoot(source);
		const updater = new Updater({
			metadataDir: source.cacheDir,
			metadataBaseUrl: source.mirror,
			targetDir,
			targetBaseUrl: `${source.mirror}/targets`,
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
	} catch (cause) {
		if (cause instanceof ClientError) throw cause;
		const reason = cause instanceof Error ? cause.message : String(cause);
		throw new ClientError('trust-unavailable', `${source.mirror} gave no trusted root: ${reason}`, { cause });
	}
}

async function placeInitialRoot({ cacheDir, initialRoot, mirror }: TufSource): Promise<void> {
	const path = join(cacheDir, 'root.json');
	const exists = await readFile(path).then(
		() => true,
		() => false,
	);
	if (exists) return;
	if (!initialRoot)
		throw new ClientError(
			'trust-unavailable',
			`there is no root for ${mirror} yet; give one that you trust (initialize --root)`,
		);
	await writeFile(path, initialRoot);
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
