/**
 * Private keys in files: PKCS#8 PEM, encrypted when there is a passphrase, readable by the owner only.
 */
import { createPrivateKey, type KeyObject, randomUUID } from 'node:crypto';
import { constants, type FileHandle, link, open, readdir, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { FormatError } from '@chancery/core/format-error';
import { encodePem, parsePem } from '@chancery/core/pem';
import { KeyError } from '../key-error.ts';
import { signerOf } from '../private-key.ts';
import type { KeyAlgorithm, Signer } from '../signer.ts';
import { checkDerivation, encryptPkcs8 } from './encrypted-pkcs8.ts';
import { generatePrivateKey } from './generate.ts';
import { openToOthers } from './key-file-mode.ts';
import { halvesAgree } from './key-halves.ts';

export interface FileKeySecrets {
	/** Unlocks (or, on creation, locks) the file. Comes from elsewhere than the folder of the key. */
	readonly passphrase?: string;
}

const MAX_FILE_BYTES = 64 * 1024;
const UNFINISHED = /^\.[0-9a-f-]{36}\.key$/;

/**
 * Makes a key and keeps it in a new file of mode 0600. The file appears complete and durable, or not at all: a crash
 * here leaves at most a file with a random name beside it, which nothing refers to (`removeUnfinishedKeys`).
 * @throws {KeyError} `exists` when there is anything at `path`; `io` when the folder cannot be written.
 */
export async function createFileKey(
	path: string,
	algorithm: KeyAlgorithm,
	secrets: FileKeySecrets = {},
): Promise<Signer> {
	if (secrets.passphrase === '') throw new KeyError('passphrase-missing', `the passphrase for ${path} is empty`);
	const privateKey = generatePrivateKey(algorithm);
	const pem = await encode(privateKey, secrets.passphrase);
	const temporary = join(dirname(path), `.${randomUUID()}.key`);
	try {
		await writeDurably(temporary, pem);
		try {
			// Unlike a rename, a link never replaces what is there.
			await link(temporary, path);
		} finally {
			await unlink(temporary);
		}
		await syncFolder(dirname(path));
	} catch (cause) {
		if ((cause as NodeJS.ErrnoException).code === 'EEXIST')
			throw new KeyError('exists', `${path} exists already; keys are never overwritten`, { cause });
		throw new KeyError('io', `the key file ${path} could not be written`, { cause });
	}
	return signerOf(privateKey, path);
}

/**
 * Removes what crashes have left of keys that nobody has got. Only where no other process makes keys at the same time.
 * @throws {Error} the system's error when the folder cannot be changed
 */
export async function removeUnfinishedKeys(folder: string): Promise<void> {
	const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
		if (error.code === 'ENOENT') return [];
		throw error;
	});
	for (const name of names) if (UNFINISHED.test(name)) await unlink(join(folder, name));
}

/**
 * Opens a key file made by `createFileKey` or any PKCS#8 tool.
 * @throws {KeyError} `not-found`, `permissions` (others may read it), `malformed`, `unsupported-algorithm`, `passphrase-missing`,
 * `passphrase-wrong`, `not-encrypted` (a passphrase is given and the file needs none: someone believes it is protected),
 * `key-mismatch` (the file names a public key that the private one does not sign for: it is damaged)
 */
export async function openFileKey(
	path: string,
	secrets: FileKeySecrets & { readonly requireEncrypted?: boolean } = {},
): Promise<Signer> {
	const pem = await readPrivate(path);
	const encrypted = isEncrypted(pem);
	if (encrypted && !secrets.passphrase)
		throw new KeyError('passphrase-missing', `${path} is encrypted and no passphrase was given`);
	if (!encrypted && (secrets.passphrase || secrets.requireEncrypted))
		throw new KeyError('not-encrypted', `${path} is not encrypted, and an encrypted key was expected`);
	const privateKey = decode(pem, path, encrypted ? secrets.passphrase : undefined);
	const signer = signerOf(privateKey, path);
	if (!halvesAgree(privateKey))
		throw new KeyError('key-mismatch', `the private key in ${path} does not belong to the public key beside it`);
	return signer;
}

/** @throws {KeyError} when the file cannot be read */
export async function isClearKeyFile(path: string): Promise<boolean> {
	return !isEncrypted(await readPrivate(path));
}

function isEncrypted(pem: string): boolean {
	return pem.includes('-----BEGIN ENCRYPTED PRIVATE KEY-----');
}

async function encode(privateKey: KeyObject, passphrase: string | undefined): Promise<string> {
	const pkcs8 = new Uint8Array(privateKey.export({ type: 'pkcs8', format: 'der' }));
	if (passphrase === undefined) return encodePem('PRIVATE KEY', pkcs8);
	return encodePem('ENCRYPTED PRIVATE KEY', await encryptPkcs8(pkcs8, passphrase));
}

function decode(pem: string, path: string, passphrase: string | undefined): KeyObject {
	const der = readBlock(pem, path, passphrase === undefined ? 'PRIVATE KEY' : 'ENCRYPTED PRIVATE KEY');
	try {
		const key = Buffer.from(der);
		return createPrivateKey({
			key,
			format: 'der',
			type: 'pkcs8',
			...(passphrase === undefined ? {} : { passphrase }),
		});
	} catch (cause) {
		// Of an encrypted file OpenSSL cannot always tell a wrong passphrase from damage: the padding is all it sees.
		if (passphrase !== undefined)
			throw new KeyError('passphrase-wrong', `${path} does not open with the passphrase given`, { cause });
		throw new KeyError('malformed', `${path} is not a private key that can be read`, { cause });
	}
}

/** What is looked at here is what OpenSSL gets: not the file, in which it may see another block first. */
function readBlock(pem: string, path: string, label: string): Uint8Array {
	try {
		const der = parsePem(pem).find((block) => block.label === label)?.der;
		if (!der) throw new KeyError('malformed', `${path} holds no PKCS#8 private key (PEM label PRIVATE KEY)`);
		if (label === 'ENCRYPTED PRIVATE KEY') checkDerivation(der);
		return der;
	} catch (cause) {
		if (!(cause instanceof FormatError)) throw cause;
		throw new KeyError('malformed', `${path} is not a private key that can be read (${cause.message})`, { cause });
	}
}

/** Mode and content are taken from one open file, so that nothing can be exchanged between the look and the read. */
async function readPrivate(path: string): Promise<string> {
	let file: FileHandle;
	try {
		file = await open(path, constants.O_RDONLY);
	} catch (cause) {
		const { code } = cause as NodeJS.ErrnoException;
		if (code === 'ENOENT' || code === 'ENOTDIR')
			throw new KeyError('not-found', `there is no key file ${path}`, { cause });
		if (code === 'EACCES')
			throw new KeyError('permissions', `the key file ${path} may not be read by this user`, { cause });
		throw new KeyError('io', `the key file ${path} could not be opened`, { cause });
	}
	try {
		const stats = await file.stat();
		if (!stats.isFile()) throw new KeyError('malformed', `${path} is not a file`);
		const mode = openToOthers(stats);
		if (mode !== undefined)
			throw new KeyError('permissions', `${path} has mode ${mode}: others could use the key (chmod 600 ${path})`);
		if (stats.size > MAX_FILE_BYTES) throw new KeyError('malformed', `${path} is too large for a key file`);
		return await file.readFile('utf8');
	} catch (cause) {
		if (cause instanceof KeyError) throw cause;
		throw new KeyError('io', `the key file ${path} could not be read`, { cause });
	} finally {
		await file.close();
	}
}

async function writeDurably(path: string, text: string): Promise<void> {
	const file = await open(path, 'wx', 0o600);
	try {
		// The mode of open is cut by the umask, never widened; this makes it exact.
		await file.chmod(0o600);
		await file.writeFile(text);
		await file.sync();
	} finally {
		await file.close();
	}
}

async function syncFolder(path: string): Promise<void> {
	const folder = await open(path, constants.O_RDONLY);
	try {
		await folder.sync();
	} finally {
		await folder.close();
	}
}
