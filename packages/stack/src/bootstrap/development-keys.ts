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
import { generateSigningJwks, type SigningJwks } from '@chancery/identity/domain/generate-jwks';
import { readSigningJwks } from '@chancery/identity/process-config';
import { createFileKey, openFileKey } from '@chancery/keys/file/file-key';
import type { KeyAlgorithm, Signer } from '@chancery/keys/signer';
import { writeDurably } from '@chancery/postgres/file-modes';
import { Refusal } from '../instance/refusal.ts';

/**
 * Algorithms that every known client verifies: ECDSA P-256 for the authorities, the CT log and the v1 log; Ed25519 for
 * the v2 log (tiles and witnesses need it) and for TUF.
 */
const ALGORITHMS = {
	'ca-root': 'ecdsa-sha2-256-nistp256',
	'ca-issuing': 'ecdsa-sha2-256-nistp256',
	'tsa-root': 'ecdsa-sha2-256-nistp256',
	tsa: 'ecdsa-sha2-256-nistp256',
	ctlog: 'ecdsa-sha2-256-nistp256',
	'log-v1': 'ecdsa-sha2-256-nistp256',
	'log-v2': 'ed25519',
	'tuf-root': 'ed25519',
	'tuf-targets': 'ed25519',
	'tuf-snapshot': 'ed25519',
	'tuf-timestamp': 'ed25519',
} as const satisfies Record<string, KeyAlgorithm>;

export type DevelopmentKeyName = keyof typeof ALGORITHMS;

export interface DevelopmentKeys {
	readonly signers: Readonly<Record<DevelopmentKeyName, Signer>>;
	/** Private JWKs of the identity provider. */
	readonly signingJwks: SigningJwks;
}

/** Opens the keys in `folder`, making those that are not there yet. */
export async function openDevelopmentKeys(folder: string): Promise<DevelopmentKeys> {
	const entries = await Promise.all(
		(Object.entries(ALGORITHMS) as [DevelopmentKeyName, KeyAlgorithm][]).map(
			async ([name, algorithm]) => [name, await openOrCreateKey(join(folder, `${name}.pem`), algorithm)] as const,
		),
	);
	return {
		signers: Object.fromEntries(entries) as Record<DevelopmentKeyName, Signer>,
		signingJwks: await openJwks(join(folder, 'identity.jwks.json')),
	};
}

/** Opens the key file, or makes it. */
export async function openOrCreateKey(path: string, algorithm: KeyAlgorithm): Promise<Signer> {
	return (await exists(path)) ? openFileKey(path) : createFileKey(path, algorithm);
}

async function openJwks(path: string): Promise<SigningJwks> {
	if (await exists(path)) return parseJwks(await readFile(path, 'utf8'), path);
	const jwks = await generateSigningJwks();
	await writeDurably(path, JSON.stringify(jwks), 0o600);
	return jwks;
}

function parseJwks(text: string, path: string): SigningJwks {
	try {
		return readSigningJwks(new Secret(text));
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
