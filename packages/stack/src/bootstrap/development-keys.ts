/**
 * The keys of a development instance: made once, kept as unencrypted files (0600, in a folder of 0700). A production
 * instance refuses such keys.
 *
 * A crash in the middle leaves some keys made and some not; the next start makes the rest. A key that was lost later is
 * made anew too, and then the log or authority that it belonged to refuses to start, naming both keys.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ConfigError } from '@chancery/chassis/config/config';
import { Secret } from '@chancery/chassis/config/secret';
import type { KeyDefinition } from '@chancery/chassis/service-definition';
import { readSigningJwks } from '@chancery/identity/config';
import { generateSigningJwks } from '@chancery/identity/generate-jwks';
import { createFileKey, openFileKey } from '@chancery/keys/file/file-key';
import type { KeyAlgorithm, Signer } from '@chancery/keys/signer';
import { writeDurably } from '@chancery/postgres/file-modes';
import { Refusal } from '../instance/refusal.ts';
import { SERVICES, type ServiceKeys } from '../services.ts';

/** Keys of keyholders, which no service is ever given: those of the roots, and of the targets. */
export const HOLDER_KEYS = {
	'ca-root': { algorithm: 'ecdsa-sha2-256-nistp256', otherAlgorithms: ['ecdsa-sha2-384-nistp384'] },
	'tsa-root': { algorithm: 'ecdsa-sha2-256-nistp256', otherAlgorithms: ['ecdsa-sha2-384-nistp384'] },
	'tuf-root': { algorithm: 'ed25519', otherAlgorithms: ['ecdsa-sha2-256-nistp256'] },
	'tuf-targets': { algorithm: 'ed25519', otherAlgorithms: ['ecdsa-sha2-256-nistp256'] },
} as const satisfies Record<string, Pick<KeyDefinition, 'algorithm' | 'otherAlgorithms'>>;

export type HolderKeyName = keyof typeof HOLDER_KEYS;

export interface DevelopmentKeys extends ServiceKeys {
	readonly holders: Readonly<Record<HolderKeyName, Signer>>;
	/** File with the private JWKs of the identity provider. */
	readonly signingJwksFile: string;
}

/** Opens the keys in `folder`, of all services and of the keyholders, making those that are not there yet. */
export async function openDevelopmentKeys(folder: string): Promise<DevelopmentKeys> {
	const ofServices = SERVICES.flatMap(({ definition: { name, keys } }) =>
		Object.entries(keys).map(([key, { algorithm }]) => [keyFileName(name, key), algorithm] as const),
	);
	const ofHolders = Object.entries(HOLDER_KEYS).map(([name, { algorithm }]) => [`${name}.pem`, algorithm] as const);
	const opened = await Promise.all(
		[...ofServices, ...ofHolders].map(
			async ([file, algorithm]) => [file, await openOrCreateKey(join(folder, file), algorithm)] as const,
		),
	);
	const signers = new Map<string, Signer>(opened);
	const pick = <Name extends string>(names: readonly Name[], fileOf: (name: Name) => string) =>
		Object.fromEntries(names.map((name) => [name, signers.get(fileOf(name))])) as Record<Name, Signer>;
	return {
		holders: pick(Object.keys(HOLDER_KEYS) as HolderKeyName[], (name) => `${name}.pem`),
		of: <Key extends string>({ name, keys }: { name: string; keys: Readonly<Record<Key, KeyDefinition>> }) =>
			pick(Object.keys(keys) as Key[], (key) => keyFileName(name, key)),
		signingJwksFile: await makeJwks(join(folder, 'identity.jwks.json')),
	};
}

/** File of a key of a service, in the folder of the keys: its only one is called `signer`. */
export function keyFileName(service: string, key: string): string {
	return `${key === 'signer' ? service : `${service}-${key}`}.pem`;
}

/** Opens the key file, or makes it. */
export async function openOrCreateKey(path: string, algorithm: KeyAlgorithm): Promise<Signer> {
	return (await exists(path)) ? openFileKey(path) : createFileKey(path, algorithm);
}

/** Makes the file where it is missing, and reads it where it is not: what lies there may have been spoilt. */
async function makeJwks(path: string): Promise<string> {
	if (await exists(path)) checkJwks(await readFile(path, 'utf8'), path);
	else await writeDurably(path, JSON.stringify(await generateSigningJwks()), 0o600);
	return path;
}

function checkJwks(text: string, path: string): void {
	try {
		readSigningJwks(new Secret(text));
	} catch (error) {
		if (!(error instanceof ConfigError)) throw error;
		// Its words are about the configuration of a service, which has no part in this.
		throw new Refusal(`${path} holds no signing keys: restore it, or remove it to let new keys be made`);
	}
}

async function exists(path: string): Promise<boolean> {
	try {
		await readFile(path);
		return true;
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
		throw error;
	}
}
