/** Plans the next signing key of the identity provider in the file that the service reads. */
import { stat } from 'node:fs/promises';
import { Secret } from '@chancery/chassis/config/secret';
import { readSigningJwks } from '@chancery/identity/config';
import { planRotation } from '@chancery/identity/generate-jwks';
import { writeDurably } from '@chancery/postgres/file-modes';
import { readGivenFile } from '../bootstrap/init/given-file.ts';
import { Refusal } from '../instance/refusal.ts';

export interface RotationOrder {
	readonly path: string;
	readonly issuer: 'auth' | 'ci';
	/** Unix milliseconds. */
	readonly nowMs: number;
}

export interface PlannedRotation {
	readonly kid: string;
	readonly signsFrom: Date;
	/** False: it was planned before, and the file is as it was. */
	readonly isNew: boolean;
}

const PERMISSIONS = 0o777;

/**
 * Writes the file with the next key. A crash before the file is replaced leaves it as it was, and a repeat plans another
 * key; after that, a repeat finds the planned key and changes nothing.
 * @throws {Refusal} when the file cannot be read, or belongs to another account; {ConfigError} when it is no key file; the system's error when it cannot be
 * written
 */
export async function rotateIssuerKey({ path, issuer, nowMs }: RotationOrder): Promise<PlannedRotation> {
	const text = await readGivenFile(path, 'the key file');
	const { jwks, signsFrom, kid, isNew } = await planRotation(readSigningJwks(new Secret(text)), issuer, nowMs);
	if (isNew) {
		const { mode, uid } = await stat(path);
		// The new file belongs to whoever writes it, and the service has to read it as before.
		if (uid !== process.getuid?.())
			throw new Refusal(`${path} belongs to the account ${uid}: run this as that account (sudo --user '#${uid}' ...)`);
		await writeDurably(path, `${JSON.stringify(jwks, undefined, '\t')}\n`, mode & PERMISSIONS);
	}
	return { kid, signsFrom: new Date(signsFrom * 1000), isNew };
}
