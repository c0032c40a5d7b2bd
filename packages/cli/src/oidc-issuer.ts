/** Where people sign in for an instance: what its signing configuration names, unless the user names another. */
import { currentServices, type SigningConfig } from '@chancery/wire/signing-config';
import { UsageError } from './usage-error.ts';

/** The public client that every issuer for Sigstore has. */
export const SIGSTORE_CLIENT = 'sigstore';

/** @throws {UsageError} when the configuration names none that is current */
export function issuerOf(config: SigningConfig, nowMs: number): string {
	const [issuer] = currentServices(config.oidcUrls, [1], nowMs);
	if (!issuer) throw new UsageError('the signing configuration names no issuer where people sign in; give --issuer');
	return issuer.url;
}
