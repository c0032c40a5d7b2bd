/**
 * Opens a key wherever it is kept, by its URI. A new kind of key store is one row in the table.
 */
import { fileURLToPath } from 'node:url';
import { openFileKey } from './file-key.ts';
import { KeyError } from './key-error.ts';
import type { Signer } from './signer.ts';

export interface SignerSecrets {
	/** Passphrase of a file key. */
	readonly passphrase?: string;
	/** Refuse a file key that lies in the clear. */
	readonly requireEncrypted?: boolean;
}

type Opener = (uri: string, secrets: SignerSecrets) => Promise<Signer>;

const SCHEMES: Readonly<Record<string, Opener>> = {
	'file:': (uri, secrets) => openFileKey(pathOf(uri), secrets),
};

/**
 * Opens the key that `uri` names: `file:/absolute/path`, `file:relative/path` or `file:///absolute/path` (the last one
 * percent-encoded, RFC 8089).
 * @throws KeyError `bad-uri` for an unknown scheme, and whatever the key store says
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
