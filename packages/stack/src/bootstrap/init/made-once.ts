/**
 * What an instance has once: opened where it is there, made where it is not, and never made again when the instance is
 * complete, because its root of trust, its certificates and its logs name the first.
 */
import { randomBytes } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { createFileKey, openFileKey } from '@chancery/keys/file/file-key';
import type { KeyAlgorithm, Signer } from '@chancery/keys/signer';
import { makeFolders, writeDurably } from '@chancery/postgres/file-modes';
import { Refusal } from '../../instance/refusal.ts';

/** A step of the work: a file, and what it is. Steps are told before they are done. */
export type OnStep = (path: string, what: string) => void;

export interface Making {
	/** The instance is not complete. */
	readonly mayMake: boolean;
	readonly onStep: OnStep;
}

export interface WantedFile {
	readonly path: string;
	readonly what: string;
	readonly mode: number;
}

/**
 * Irreversible where the file is missing: it appears whole, by a rename. A crash before that leaves nothing, or a
 * `.new` beside it that the next run writes over; a crash after it leaves a file that the next run opens.
 * @throws {Refusal} when it is missing and may not be made, or cannot be read
 */
export async function openOrMake(
	{ path, what, mode }: WantedFile,
	making: Making,
	make: () => string | Promise<string>,
): Promise<string> {
	const existing = await readIfThere(path);
	if (existing !== undefined) return existing;
	await beginStep(path, what, making);
	const content = await make();
	await writeDurably(path, content, mode);
	return content;
}

/** 32 random bytes in base64url; returned without the line end of the file. @throws {Refusal} as `openOrMake` */
export async function openOrMakeSecret(path: string, what: string, making: Making): Promise<string> {
	const text = await openOrMake(
		{ path, what, mode: 0o400 },
		making,
		() => `${randomBytes(32).toString('base64url')}\n`,
	);
	return text.trimEnd();
}

/**
 * An encrypted key. Irreversible where it is missing: the file appears whole, by a link that never replaces another. Its
 * passphrase is durable before: a crash between the two leaves a passphrase for a key that the next run makes.
 * @throws {Refusal} as `openOrMake`; KeyError
 */
export async function openOrMakeKey(
	path: string,
	what: string,
	{ algorithm, passphrase }: { readonly algorithm: KeyAlgorithm; readonly passphrase: string },
	making: Making,
): Promise<Signer> {
	if ((await readIfThere(path)) !== undefined) return openFileKey(path, { passphrase, requireEncrypted: true });
	await beginStep(path, what, making);
	return createFileKey(path, algorithm, { passphrase });
}

async function beginStep(path: string, what: string, { mayMake, onStep }: Making): Promise<void> {
	if (!mayMake)
		throw new Refusal(
			`${path} is missing (${what}). It was made with this instance and is not made again; bring it back from where it was taken, or from a backup`,
		);
	onStep(path, what);
	await makeFolders(dirname(path), 0o700);
}

/** @throws {Refusal} when that cannot be seen */
export async function isThere(path: string): Promise<boolean> {
	try {
		await stat(path);
		return true;
	} catch (error) {
		const { code } = error as NodeJS.ErrnoException;
		if (code === 'ENOENT') return false;
		throw new Refusal(`${path} cannot be read (${code})`, { cause: error });
	}
}

async function readIfThere(path: string): Promise<string | undefined> {
	try {
		return await readFile(path, 'utf8');
	} catch (error) {
		const { code } = error as NodeJS.ErrnoException;
		if (code === 'ENOENT') return undefined;
		throw new Refusal(`${path} cannot be read (${code})`, { cause: error });
	}
}
