/**
 * Where the development login may be reached. On loopback a page that believes any address is for the people of one
 * machine. Anywhere else it would make everybody on the network anybody, so there it must be named: `with-secret`, and then
 * each sign-in needs the secret of the instance, as each minted token does everywhere.
 */
import type { ListenAddress } from '@chancery/chassis/config/process-config';
import { isLoopbackHost } from '@chancery/postgres/connection-security';
import type { IdentityConfig } from '../config.ts';

/** Says why an instance with these settings must not start, whatever its profile; empty when it may. */
export function exposureRefusals(
	{ developmentLogin, publicUrl }: IdentityConfig,
	listen: Readonly<Record<string, ListenAddress>>,
): string[] {
	if (developmentLogin !== true) return [];
	const bound = listen.public?.host;
	const places = [
		...(bound === undefined || isLoopbackHost(bound) ? [] : [`identity.listen.public is ${bound}`]),
		...(isLoopbackHost(new URL(publicUrl).hostname) ? [] : [`identity.publicUrl is ${publicUrl}`]),
	];
	if (places.length === 0) return [];
	return [
		`identity.developmentLogin: true is for loopback alone, and ${places.join(' and ')}; if you mean it, write with-secret, and whoever signs in types the secret of the instance`,
	];
}
