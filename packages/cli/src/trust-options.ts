/**
 * Where a client command takes its trust from: files, a development instance on this machine, or the TUF repository
 * that `initialize` was told to trust.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { SigningDeps } from '@chancery/client/sign';
import { fetchTrust } from '@chancery/client/tuf-client';
import { openTrustedRoot, type TrustMaterial } from '@chancery/verify/trust-material';
import { parseSigningConfig } from '@chancery/wire/signing-config';
import { trustAuthorityFile } from '@chancery/wire/tls-authorities';
import { type Command, Option } from 'commander';
import { defaultTufFolder } from './default-folders.ts';
import { type InstanceFile, parseInstanceFile, parseMirrorFile } from './remembered-places.ts';
import { UsageError } from './usage-error.ts';

export interface TrustOptions {
	readonly trustedRoot?: string;
	readonly signingConfig?: string;
	readonly data?: string;
	readonly rekorVersion?: '1' | '2';
}

/** What a signing command needs besides the token. */
type Signing = Pick<SigningDeps, 'trust' | 'signingConfig' | 'logApiVersions'>;

const CURRENT_MIRROR = 'mirror.json';

export function addTrustOptions(command: Command, isSigning: boolean): Command {
	command
		.addOption(new Option('--trusted-root <file>', 'trusted_root.json to verify against').env('SIGSTORE_ROOT_FILE'))
		.option('--data <dir>', 'use the development instance with this data folder');
	if (isSigning)
		command
			.option('--signing-config <file>', 'signing_config.v0.2.json naming the services')
			.addOption(
				new Option('--rekor-version <n>', 'the log to sign with; the newest when not given').choices(['1', '2']),
			);
	return command;
}

/** @throws UsageError when nothing says whom to trust */
export async function resolveTrust(options: TrustOptions): Promise<TrustMaterial> {
	if (options.trustedRoot) return openTrustedRoot(await readJson(options.trustedRoot));
	if (options.data) return openTrustedRoot(await readJson((await readInstance(options.data)).trustedRoot));
	return (await trustOfMirror()).trust;
}

/** @throws UsageError when nothing says whom to trust or where to sign */
export async function resolveSigning(options: TrustOptions): Promise<Signing> {
	const services = await servicesFor(options);
	if (options.rekorVersion === undefined) return services;
	return { ...services, logApiVersions: [options.rekorVersion === '1' ? 1 : 2] };
}

async function servicesFor(options: TrustOptions): Promise<Signing> {
	if (options.trustedRoot && options.signingConfig)
		return {
			trust: openTrustedRoot(await readJson(options.trustedRoot)),
			signingConfig: parseSigningConfig(await readJson(options.signingConfig)),
		};
	if (options.trustedRoot || options.signingConfig)
		throw new UsageError('--trusted-root and --signing-config are given together or not at all');
	if (options.data) {
		const instance = await readInstance(options.data);
		// Only here: a verification with files makes no request.
		if (instance.tlsCa !== undefined) trustAuthorityFile(instance.tlsCa, options.data);
		return {
			trust: openTrustedRoot(await readJson(instance.trustedRoot)),
			signingConfig: parseSigningConfig(await readJson(instance.signingConfig)),
		};
	}
	return trustOfMirror();
}

/** Remembers `mirror` as the instance that commands use from now on. */
export async function rememberMirror(mirror: string): Promise<void> {
	await writeFile(join(defaultTufFolder(), CURRENT_MIRROR), `${JSON.stringify({ mirror })}\n`, { mode: 0o600 });
}

/** One cache folder per mirror. */
export function cacheFolderOf(mirror: string): string {
	return join(defaultTufFolder(), encodeURIComponent(mirror.replace(/^https?:\/\//, '')));
}

async function trustOfMirror() {
	const file = join(defaultTufFolder(), CURRENT_MIRROR);
	const text = await readFile(file, 'utf8').catch(() => undefined);
	if (text === undefined)
		throw new UsageError(
			"nothing says whom to trust: run 'chancery initialize --mirror URL --root root.json' once, or give --trusted-root or --data",
		);
	const mirror = parseMirrorFile(text, file);
	return fetchTrust({ mirror, cacheDir: cacheFolderOf(mirror) });
}

async function readInstance(folder: string): Promise<InstanceFile> {
	const path = join(folder, 'instance.json');
	const text = await readFile(path, 'utf8').catch(() => undefined);
	if (text === undefined)
		throw new UsageError(`${path} does not exist: has 'chancery up --data ${folder}' been started?`);
	return parseInstanceFile(text, path);
}

async function readJson(path: string): Promise<unknown> {
	const text = await readFile(path, 'utf8');
	try {
		return JSON.parse(text);
	} catch (cause) {
		throw new UsageError(`${path} is not JSON`, { cause });
	}
}
