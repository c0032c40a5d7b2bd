/**
 * The first leaf of every v1 log.
 *
 * Clients remember the tree they saw last and ask for a consistency proof from it; from an empty tree there is none,
 * and they fail. So a new v1 tree begins with one entry, and because clients also read index 0 and parse what they
 * find, it is a proper hashedrekord: a signature over `SEED_TEXT`, made once by a key that was thrown away. It is the
 * same in every log, so that logs that two processes create at the same time still have one. It says nothing about anybody.
 */

import type { CheckSignature } from '@chancery/wire/entries/check-signature';
import { admitV1 } from '../kinds/enabled-kinds.ts';
import { askEngine } from './engine-errors.ts';
import { logEntry } from './log-entry.ts';
import type { SignatureLogV1 } from './signature-log.ts';

/** What the seed signs, as UTF-8. */
export const SEED_TEXT = 'This entry begins a Chancery signature log. It signs this sentence and nothing else.\n';

/** The seed as a client would propose it. */
export const SEED_ENTRY = {
	kind: 'hashedrekord',
	apiVersion: '0.0.1',
	spec: {
		data: { hash: { algorithm: 'sha256', value: '1423a71c330bf3f0f1003f87b68e35987ae49db0db92ad44a0b3b9702983ef94' } },
		signature: {
			content: 'MEUCIBtXRBcjLOkABGTyAGpoMRj/BUr0NaFH1qXI0Orfw89oAiEAu/MxUnaXO4jk4IyZbpCLUVM/ixXZITTLWXhME5TWdKE=',
			publicKey: {
				content:
					'LS0tLS1CRUdJTiBQVUJMSUMgS0VZLS0tLS0KTUZrd0V3WUhLb1pJemowQ0FRWUlLb1pJemowREFRY0RRZ0FFeEd1VlplQlVuRkgxYlNOekJoN2E4RWkranlSeAppazJ0QVNpaFQ3ZlZWQTZBR1NqNm1zWGtweDRQSFo4K1FIVVpmZ3l4bUZQZ3ZDaml5NThLamRERGd3PT0KLS0tLS1FTkQgUFVCTElDIEtFWS0tLS0tCg==',
			},
		},
	},
} as const;

/** Logs the seed when the tree is empty. Safe to repeat and safe among several processes: it is one entry. */
export async function seedLog({ log }: SignatureLogV1, checkSignature: CheckSignature): Promise<void> {
	const { size } = await askEngine(() => log.published());
	if (size === 0) await logEntry(log, await admitV1(SEED_ENTRY, checkSignature));
}
