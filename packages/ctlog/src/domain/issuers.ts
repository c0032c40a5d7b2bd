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

export function createIssuers(sql: Sql): Issuers {
	// What this process has seen stored. Nearly every submission brings issuers that are there already, and those of a
	// known chain are the same objects (accepted-roots.ts).
	const stored = new WeakSet<Certificate>();
	return {
		async remember(certificates) {
			for (const certificate of certificates) {
				if (stored.has(certificate)) continue;
				await insertIssuer(sql, sha256(certificate.der), certificate.der);
				stored.add(certificate);
			}
		},
		find: (fingerprint) => findIssuer(sql, fingerprint),
		async resources() {
			const issuers = await readIssuers(sql);
			return issuers.map((issuer) => ({ path: `issuer/${toHex(issuer.sha256)}`, bytes: issuer.certificate }));
		},
	};
}
