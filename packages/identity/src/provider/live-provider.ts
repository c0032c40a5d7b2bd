/**
 * The provider while keys change. The library takes its keys once, so that a new key set makes a new provider. Nothing of a
 * sign-in is in its memory: everything between two requests is in the database, and the next request may go to the new one.
 */
import type { Provider } from 'oidc-provider';
import type { IssuerKeys } from '../domain/issuer-keys.ts';
import type { LiveKeys } from '../domain/live-keys.ts';

/** What routes need of the provider. */
export type ServingProvider = Pick<Provider, 'interactionDetails' | 'interactionResult' | 'callback'>;

export function liveProvider(keys: LiveKeys, create: (keys: IssuerKeys) => Provider): ServingProvider {
	const open = (of: IssuerKeys) => {
		const provider = create(of);
		return { of, provider, handle: provider.callback() };
	};
	let serving = open(keys.snapshot());
	const current = () => {
		const now = keys.snapshot();
		if (serving.of !== now) serving = open(now);
		return serving;
	};
	return {
		interactionDetails: (...args) => current().provider.interactionDetails(...args),
		interactionResult: (...args) => current().provider.interactionResult(...args),
		callback: () => (request, response) => current().handle(request, response),
	};
}
