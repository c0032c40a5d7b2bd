/** Tokens for machines: for a secret of its own (RFC 6749 section 4.4), and for a token that its platform gave it (RFC 8693). */
import * as oidc from 'openid-client';
import { ClientError } from '../client-error.ts';
import { explained, type IssuerClient, type IssuerDeps, openIssuer, SCOPE } from './issuer.ts';
import { unverifiedIssuer, verifyToken } from './verify-token.ts';

/**
 * Returns the ID token that the issuer sends beside the access token, as Sigstore's clients expect; else the access token.
 * @throws {ClientError} `token-refused`, `token-unverified` or `issuer-unavailable`
 */
export async function requestWithSecret(
	client: IssuerClient & { readonly clientSecret: string },
	deps: IssuerDeps,
): Promise<string> {
	const issuer = await openIssuer(client, deps);
	const tokens = await explained(`the issuer ${client.issuer}`, 'token-refused', () =>
		oidc.clientCredentialsGrant(issuer, { scope: SCOPE }),
	);
	const token = tokens.id_token ?? tokens.access_token;
	await verifyToken(
		token,
		{
			issuer: client.issuer,
			jwksUri: keysOf(issuer),
			audience: client.clientId,
			nonce: undefined,
			accessToken: tokens.id_token === undefined ? undefined : tokens.access_token,
		},
		deps,
	);
	return token;
}

export interface ExchangeRequest {
	/** The token of the platform, a JWT. */
	readonly subjectToken: string;
	/** Whom the new token is for. */
	readonly audience: string;
	/** Dex's name for who vouches for the token. Absent: the issuer finds it by the token itself. */
	readonly connectorId?: string;
}

const GRANT = 'urn:ietf:params:oauth:grant-type:token-exchange';
const ID_TOKEN = 'urn:ietf:params:oauth:token-type:id_token';

/**
 * Exchanges the token of a platform for one that the certificate authority takes. Not repeated by itself: an issuer may
 * take each token once, so after an answer that was lost a new subject token is needed.
 * @throws {ClientError} `token-refused`, `token-unverified` or `issuer-unavailable`
 */
export async function exchangeToken(
	client: IssuerClient,
	{ subjectToken, audience, connectorId }: ExchangeRequest,
	deps: IssuerDeps,
): Promise<string> {
	const issuer = await openIssuer(client, deps);
	const tokens = await explained(`the issuer ${client.issuer}`, 'token-refused', () =>
		oidc.genericGrantRequest(issuer, GRANT, {
			subject_token: subjectToken,
			subject_token_type: ID_TOKEN,
			requested_token_type: ID_TOKEN,
			audience,
			scope: SCOPE,
			...(connectorId === undefined ? {} : { connector_id: connectorId }),
		}),
	);
	const token = tokens.access_token;
	const named = unverifiedIssuer(token);
	// A broker may speak for each platform under an issuer of its own, whose keys it names itself. Only below its origin: a
	// token of somebody else, however good, is not its answer.
	if (named !== client.issuer && URL.parse(named)?.origin !== new URL(client.issuer).origin)
		throw new ClientError('token-unverified', `the issuer ${client.issuer} sent a token of another issuer`);
	const keys = named === client.issuer ? issuer : await openIssuer({ ...client, issuer: named }, deps);
	const expected = { issuer: named, jwksUri: keysOf(keys), audience, nonce: undefined, accessToken: undefined };
	await verifyToken(token, expected, deps);
	return token;
}

function keysOf(issuer: oidc.Configuration): string {
	const { jwks_uri: uri, issuer: name } = issuer.serverMetadata();
	if (uri === undefined) throw new ClientError('issuer-unavailable', `the issuer ${name} publishes no keys`);
	return uri;
}
