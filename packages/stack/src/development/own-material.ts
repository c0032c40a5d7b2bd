/** Everything that a trusted root of this instance may name: its own keys and certificates, those that have ended among them, and nothing else. */
import { parsePem } from '@chancery/core/pem';
import type { DevelopmentChains } from '../bootstrap/development-chains.ts';
import type { DevelopmentKeys } from '../bootstrap/development-keys.ts';

/** Base64 of each DER. */
export function ownMaterial({ signers }: DevelopmentKeys, { ca, tsa, past }: DevelopmentChains): ReadonlySet<string> {
	return new Set([
		...[signers.ctlog, signers['log-v1'], signers['log-v2']].map(({ publicKey }) => publicKey.toBase64()),
		...parsePem(ca + tsa + past).map(({ der }) => der.toBase64()),
	]);
}
