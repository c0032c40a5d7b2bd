/**
 * Loaded before the command: writes every private key that the command makes in memory to the file that EPHEMERAL_KEYS_FILE names. The
 * file is outside of everything that is searched. Otherwise, a key that only the client had could not be searched for.
 */
import crypto, { type KeyObject } from 'node:crypto';
import { appendFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

const { EPHEMERAL_KEYS_FILE } = process.env;
const make = crypto.generateKeyPairSync as (...args: unknown[]) => { privateKey: KeyObject };

Object.assign(crypto, {
	generateKeyPairSync: (...args: unknown[]) => {
		const pair = make(...args);
		if (EPHEMERAL_KEYS_FILE !== undefined)
			appendFileSync(EPHEMERAL_KEYS_FILE, `${JSON.stringify(pair.privateKey.export({ format: 'jwk' }))}\n`);
		return pair;
	},
});
syncBuiltinESMExports();
