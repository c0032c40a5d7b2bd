/** The certificates of logged chains, kept once each for those who read tiles (https://c2sp.org/static-ct-api). */
import { toHex } from '@chancery/core/bytes';
import type { Certificate } from '@chancery/core/certificate';
import { sha256 } from '@chancery/core/sha';
import type { Sql } from '@chancery/postgres/sql';
import { findIssuer, insertIssuer, readIssuers } from '../store/issuers.ts';

export interface Issuers {
	/** Resolves when all of them are stored. */
	remember(certificates: readonly Certificate[]): Promise<void>;
	/** DER by SHA-256. */
	find(fingerprint: Uint8Array): Promise<Uint8Array | undefined>;
	/** Everything that data tiles may name, as static resources. */
	resources(): Promise<{ readonly path: string; readonly bytes: Uint8Array }[]>;
}

/** Each authority has a handful; the bound is against one that makes an intermediate per certificate. */
const MAX_KNOWN = 1000;

export function createIssuers(sql: Sql): Issuers {
	// What this process has seen stored: nearly every submission brings issuers that are there already.
	const known = new Set<string>();
	return {
		async remember(certificates) {
			for (const { der } of certificates) {
				const hash = sha256(der);
				const key = toHex(hash);
				if (known.has(key)) continue;
				await insertIssuer(sql, hash, der);
				if (known.size >= MAX_KNOWN) known.clear();
				known.add(key);
			}
		},
		find: (fingerprint) => findIssuer(sql, fingerprint),
		async resources() {
			const issuers = await readIssuers(sql);
			return issuers.map((issuer) => ({ path: `issuer/${toHex(issuer.sha256)}`, bytes: issuer.certificate }));
		},
	};
}
