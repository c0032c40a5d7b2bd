/**
 * Where a client command takes its trust from: files, a development instance on this machine, or the TUF repository
 * that `initialize` was told to trust.
 */
import { randomUUID } from 'node:crypto';
import { rename, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { SigningDeps } from '@chancery/client/sign';
import type { TufSource, TufTrust } from '@chancery/client/tuf-client';
import { trustAuthorityFile } from '@chancery/net/tls-authorities';
import { openTrustedRoot, type TrustMaterial } from '@chancery/verify/trust-material';
import { malformation } from '@chancery/wire/schema-problem';
import { parseSigningConfig, type SigningConfig } from '@chancery/wire/signing-config';
import { defaultTufFolder } from './default-folders.ts';
import { explainFile, FileProblem, fileReason } from './file-problem.ts';
import type { InputFiles } from './input-files.ts';
import { cacheFolderOf, earlierCacheFolderOf, parseMirror } from './mirror-address.ts';
import { type InstanceFile, parseInstanceFile, parseMirrorFile } from './remembered-places.ts';
import type { TrustOptions } from './trust-options.ts';
import { UsageError } from './usage-error.ts';
import { sayWait } from './waiting.ts';

/** What a signing command needs besides the token. */
type Signing = Pick<SigningDeps, 'trust' | 'signingConfig' | 'logApiVersions'>;

const CURRENT_MIRROR = 'mirror.json';
/** The public-good root is 7 kB. */
const MAX_TRUST_BYTES = 16 * 1024 * 1024;
const MAX_PLACES_BYTES = 1024 * 1024;

/** @throws {UsageError} when nothing says whom to trust */
export async function resolveTrust(options: TrustOptions, inputs: InputFiles): Promise<TrustMaterial> {
	if (options.trustedRoot !== undefined) return readTrustedRoot(options.trustedRoot, inputs);
	if (options.data !== undefined)
		return readTrustedRoot((await readInstance(options.data, inputs)).trustedRoot, inputs);
	return (await trustOfMirror(options, inputs)).trust;
}

/** @throws {UsageError} when nothing says whom to trust or where to sign */
export async function resolveSigning(options: TrustOptions, inputs: InputFiles): Promise<Signing> {
	const services = await servicesFor(options, inputs);
	if (options.rekorVersion === undefined) return services;
	return { ...services, logApiVersions: [options.rekorVersion === '1' ? 1 : 2] };
}

async function servicesFor(options: TrustOptions, inputs: InputFiles): Promise<Signing> {
	if (options.trustedRoot !== undefined && options.signingConfig !== undefined)
		return {
			trust: await readTrustedRoot(options.trustedRoot, inputs),
			signingConfig: await readSigningConfig(options.signingConfig, inputs),
		};
	if (options.trustedRoot !== undefined || options.signingConfig !== undefined)
		throw new UsageError('--trusted-root and --signing-config are given together or not at all');
	if (options.data !== undefined) {
		const instance = await readInstance(options.data, inputs);
		// Loaded only here: a verification with files makes no request.
		if (instance.tlsCa !== undefined) trustAuthorityFile(instance.tlsCa, options.data);
		return {
			trust: await readTrustedRoot(instance.trustedRoot, inputs),
			signingConfig: await readSigningConfig(instance.signingConfig, inputs),
		};
	}
	return trustOfMirror(options, inputs);
}

/** @throws {FileProblem | UsageError | VerifyError} `trusted-root-malformed` */
export async function readTrustedRoot(path: string, inputs: InputFiles): Promise<TrustMaterial> {
	return openTrustedRoot(await inputs.readJson(path, 'the trusted root', MAX_TRUST_BYTES));
}

/** @throws {FileProblem | UsageError} */
export async function readSigningConfig(path: string, inputs: InputFiles): Promise<SigningConfig> {
	const value = await inputs.readJson(path, 'the signing configuration', MAX_TRUST_BYTES);
	try {
		return parseSigningConfig(value);
	} catch (cause) {
		const reason = malformation(cause);
		if (reason === undefined) throw cause;
		throw new UsageError(`the signing configuration ${path} is malformed: ${reason}`, { cause });
	}
}

/** The folder of a mirror's trust; `mirror` as `parseMirror` returns it. */
export async function tufSourceOf(mirror: string): Promise<TufSource> {
	const folder = defaultTufFolder();
	const earlierCacheDir = await earlierCacheFolderOf(mirror, folder);
	return {
		mirror,
		cacheDir: cacheFolderOf(mirror, folder),
		...(earlierCacheDir === undefined ? {} : { earlierCacheDir }),
	};
}

/**
 * Remembers `mirror` as the instance for later commands. Its trust is already stored completely. A crash before the rename
 * leaves the previous mirror, and a file that nothing reads.
 */
export async function rememberMirror(mirror: string): Promise<void> {
	const path = join(defaultTufFolder(), CURRENT_MIRROR);
	const temporary = join(defaultTufFolder(), `.mirror-${randomUUID()}.json`);
	try {
		await writeFile(temporary, `${JSON.stringify({ mirror })}\n`, { mode: 0o600 });
		await rename(temporary, path);
	} catch (error) {
		await unlink(temporary).catch(() => undefined);
		throw explainFile(error, `${path} cannot be written`);
	}
}

async function trustOfMirror(options: TrustOptions, inputs: InputFiles): Promise<TufTrust> {
	const file = join(defaultTufFolder(), CURRENT_MIRROR);
	const text = await readIfThere(file, 'the remembered mirror', inputs);
	if (text === undefined)
		throw new UsageError(
			"nothing says whom to trust: run 'chancery initialize --mirror URL --root root.json' once, or give --trusted-root or --data",
		);
	const mirror = parseMirror(parseMirrorFile(text, file), file);
	const { fetchTrust } = await import('@chancery/client/tuf-client');
	return fetchTrust({ ...(await tufSourceOf(mirror)), onWait: sayWait(options.json) });
}

async function readInstance(folder: string, inputs: InputFiles): Promise<InstanceFile> {
	const path = join(folder, 'instance.json');
	const text = await readIfThere(path, 'the instance file', inputs);
	if (text === undefined)
		throw new UsageError(`${path} does not exist: has 'chancery up --data ${folder}' been started?`);
	return parseInstanceFile(text, path);
}

async function readIfThere(path: string, what: string, inputs: InputFiles): Promise<string | undefined> {
	try {
		return await inputs.readText(path, what, MAX_PLACES_BYTES);
	} catch (error) {
		if (error instanceof FileProblem && fileReason(error.cause)?.endsWith('(ENOENT)')) return undefined;
		throw error;
	}
}
