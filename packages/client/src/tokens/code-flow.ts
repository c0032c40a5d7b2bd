/**
 * The authorization code flow (OpenID Connect Core 1.0 section 3.1) with PKCE (RFC 7636), as far as its two ways of getting
 * the code back have it in common. State, nonce and verifier are new for each login.
 */
import * as oidc from 'openid-client';
import { ClientError } from '../client-error.ts';
import { explained, type IssuerClient, type IssuerDeps, openIssuer, SCOPE } from './issuer.ts';
import { verifyToken } from './verify-token.ts';

export interface PendingLogin {
	/** Where the person signs in. */
	readonly url: string;
	/** The `state` that the answer must carry. */
	readonly state: string;
	/**
	 * Redeems the answer: the redirect URI with the query that the provider gave it. Returns the ID token.
	 * @throws {ClientError} `login-refused`, `token-unverified` or `issuer-unavailable`
	 */
	finish(answer: URL): Promise<string>;
}

/** @throws {ClientError} `issuer-unavailable` */
export async function beginCodeFlow(
	client: IssuerClient,
	redirectUri: string,
	deps: IssuerDeps,
): Promise<PendingLogin> {
	const issuer = await openIssuer(client, deps);
	const { jwks_uri: jwksUri, authorization_endpoint: endpoint } = issuer.serverMetadata();
	if (jwksUri === undefined || endpoint === undefined)
		throw new ClientError('issuer-unavailable', `the issuer ${client.issuer} has no login for people`);
	const verifier = oidc.randomPKCECodeVerifier();
	const state = oidc.randomState();
	const nonce = oidc.randomNonce();
	const url = oidc.buildAuthorizationUrl(issuer, {
		redirect_uri: redirectUri,
		scope: SCOPE,
		state,
		nonce,
		code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
		code_challenge_method: 'S256',
	});
	return {
		url: url.href,
		state,
		finish: async (answer) => {
			const tokens = await explained(`the issuer ${client.issuer}`, 'login-refused', () =>
				oidc.authorizationCodeGrant(issuer, answer, {
					pkceCodeVerifier: verifier,
					expectedState: state,
					expectedNonce: nonce,
					idTokenExpected: true,
				}),
			);
			const token = tokens.id_token ?? '';
			const { access_token: accessToken } = tokens;
			await verifyToken(token, { issuer: client.issuer, jwksUri, audience: client.clientId, nonce, accessToken }, deps);
			return token;
		},
	};
}
