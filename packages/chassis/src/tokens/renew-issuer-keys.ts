/**
 * Renews the keys of the issuers that tokens come from, before they are too old: so that no request has to wait for it,
 * and a key that an issuer withdrew is forgotten in time also when no token comes.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Job } from '../service.ts';
import type { TokenVerifier } from './token-verifier.ts';

const INTERVAL_MS = 30_000;

export function renewIssuerKeys(tokens: Pick<TokenVerifier, 'renewKeys'>): Job {
	return {
		name: 'renew issuer keys',
		async run(signal) {
			while (!signal.aborted) {
				tokens.renewKeys();
				await sleep(INTERVAL_MS, undefined, { signal }).catch(() => undefined);
			}
		},
	};
}
