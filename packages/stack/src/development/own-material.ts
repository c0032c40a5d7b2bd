/** Everything that a trusted root of this instance may name: its own keys and certificates, those that have ended among them, and nothing else. */
import { parsePem } from '@chancery/core/pem';
import type { DevelopmentChains } from '../bootstrap/development-chains.ts';
import { LOGS, type ServiceKeys } from '../services.ts';

/** Base64 of each DER. */
export function ownMaterial(keys: ServiceKeys, { ca, tsa, past }: DevelopmentChains): ReadonlySet<string> {
	return new Set([
		...LOGS.flatMap(({ service, key }) => keys.of(service)[key]?.publicKey.toBase64() ?? []),
		...parsePem(ca + tsa + past).map(({ der }) => der.toBase64()),
	]);
}
