/** A login on another device: the person opens a page there and types or confirms a short code (RFC 8628). */
import * as oidc from 'openid-client';
import { ClientError } from '../client-error.ts';
import { explained, type IssuerClient, type IssuerDeps, openIssuer, printable, SCOPE } from './issuer.ts';
import { verifyToken } from './verify-token.ts';

export interface DevicePrompt {
	readonly userCode: string;
	/** Where the code is typed. */
	readonly url: string;
	/** The same with the code in it, where the provider has one. */
	readonly completeUrl: string | undefined;
}

export interface DeviceLoginDeps extends IssuerDeps {
	readonly show: (prompt: DevicePrompt) => void;
}

/**
 * Returns the ID token of whoever signs in. Asks as often as the provider says, until it says that the time is over.
 * @throws {ClientError} `login-refused`, `token-unverified` or `issuer-unavailable`
 */
export async function logInWithDevice(client: IssuerClient, deps: DeviceLoginDeps): Promise<string> {
	const issuer = await openIssuer(client, deps);
	const { jwks_uri: jwksUri, device_authorization_endpoint: endpoint } = issuer.serverMetadata();
	if (jwksUri === undefined || endpoint === undefined)
		throw new ClientError('issuer-unavailable', `the issuer ${client.issuer} has no login on another device`);
	const tokens = await explained(`the issuer ${client.issuer}`, 'login-refused', async () => {
		const begun = await oidc.initiateDeviceAuthorization(issuer, { scope: SCOPE });
		const pageOf = (url: string) => {
			// It is going to be opened, or shown on a terminal.
			if (!/^https?:$/.test(URL.parse(url)?.protocol ?? ''))
				throw new ClientError('issuer-unavailable', `the issuer ${client.issuer} names no page to sign in`);
			return new URL(url).href;
		};
		deps.show({
			userCode: printable(begun.user_code),
			url: pageOf(begun.verification_uri),
			completeUrl: begun.verification_uri_complete === undefined ? undefined : pageOf(begun.verification_uri_complete),
		});
		return oidc.pollDeviceAuthorizationGrant(issuer, begun, {}, deps.signal ? { signal: deps.signal } : {});
	});
	if (tokens.id_token === undefined)
		throw new ClientError('login-refused', `the issuer ${client.issuer} sent no ID token`);
	const expected = {
		issuer: client.issuer,
		jwksUri,
		audience: client.clientId,
		// The flow has none. Its device code is known to this process and the provider alone.
		nonce: undefined,
		accessToken: tokens.access_token,
	};
	await verifyToken(tokens.id_token, expected, deps);
	return tokens.id_token;
}
