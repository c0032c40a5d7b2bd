/**
 * A login in a browser anywhere: the provider shows the code on a page, and the person copies it. The way for machines
 * that no browser can reach, at providers without a device flow.
 */
import { beginCodeFlow } from './code-flow.ts';
import type { IssuerClient, IssuerDeps } from './issuer.ts';

/** What Dex, and every issuer for Sigstore, takes for "show it". */
const OUT_OF_BAND = 'urn:ietf:wg:oauth:2.0:oob';

export interface CopiedCodeDeps extends IssuerDeps {
	/** Shows the address, and returns the code that the person typed. */
	readonly ask: (url: string) => Promise<string>;
}

/**
 * Returns the ID token of whoever signs in. State and issuer (RFC 9207) are not on that page, so they are those of the request: what ties the token to this
 * login is the nonce in it, and the verifier.
 * @throws {ClientError} as `beginCodeFlow` and what it returns
 */
export async function logInWithCopiedCode(client: IssuerClient, deps: CopiedCodeDeps): Promise<string> {
	const login = await beginCodeFlow(client, OUT_OF_BAND, deps);
	const code = (await deps.ask(login.url)).trim();
	return login.finish(
		new URL(`${OUT_OF_BAND}?${new URLSearchParams({ code, state: login.state, iss: client.issuer })}`),
	);
}
