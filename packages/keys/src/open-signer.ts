/**
 * Opens a key wherever it is kept, by its URI. A new kind of key store is one row in the table.
 */
import { fileURLToPath } from 'node:url';
import { isClearKeyFile, openFileKey } from './file/file-key.ts';
import { KeyError } from './key-error.ts';
import { openPkcs11Key } from './pkcs11/pkcs11-key.ts';
import type { Signer } from './signer.ts';

export interface SignerSecrets {
	/** Passphrase of a file key. */
	readonly passphrase?: string;
	/** PIN of the token that a PKCS#11 key is in. */
	readonly pin?: string;
	/** Refuse a file key that lies in the clear. A key in a token never does. */
	readonly requireEncrypted?: boolean;
}

type Opener = (uri: string, secrets: SignerSecrets) => Promise<Signer>;

const SCHEMES: Readonly<Record<string, Opener>> = {
	'file:': (uri, secrets) => {
		const path = pathOf(uri);
		if (secrets.pin !== undefined)
			throw new KeyError('secret-misplaced', `${path} is a key file, which has a passphrase; a PIN was given`);
		return openFileKey(path, secrets);
	},
	'pkcs11:': (uri, { pin, passphrase }) => {
		if (passphrase !== undefined)
			throw new KeyError('secret-misplaced', 'a key in a token has a PIN; a passphrase was given');
		return openPkcs11Key(uri, pin === undefined ? {} : { pin });
	},
};

/**
 * Opens the key that `uri` names: `file:/absolute/path`, `file:relative/path` or `file:///absolute/path` (the last one
 * percent-encoded, RFC 8089), or `pkcs11:token=...;object=...?module-path=/absolute/path` (RFC 7512).
 * @throws {KeyError} `bad-uri` for an unknown scheme, and whatever the key store says
 */
export async function openSigner(uri: string, secrets: SignerSecrets = {}): Promise<Signer> {
	const scheme = /^[a-z][a-z0-9+.-]*:/i.exec(uri)?.[0].toLowerCase() ?? '';
	const opener = Object.hasOwn(SCHEMES, scheme) ? SCHEMES[scheme] : undefined;
	if (opener === undefined) {
		// Only the scheme is repeated: the rest of a URI may hold a PIN.
		const found = scheme === '' ? 'a key without a scheme' : `the key scheme '${scheme}'`;
		throw new KeyError('bad-uri', `${found} is not known; known are: ${Object.keys(SCHEMES).join(' ')}`);
	}
	return opener(uri, secrets);
}

/** Whether `uri` names a key file that can be read by whoever has it. What cannot be read at all shows when it is opened. */
export async function liesInTheClear(uri: string): Promise<boolean> {
	if (!/^file:/i.test(uri)) return false;
	return isClearKeyFile(pathOf(uri)).catch(() => false);
}

function pathOf(uri: string): string {
	if (!/^file:\/\//i.test(uri)) {
		const path = uri.slice('file:'.length);
		if (path === '') throw new KeyError('bad-uri', 'file: names no path');
		return path;
	}
	try {
		return fileURLToPath(uri);
	} catch (cause) {
		throw new KeyError('bad-uri', `'${uri}' is not a file URI with an absolute path`, { cause });
	}
}
