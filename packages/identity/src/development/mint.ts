/**
 * Development tokens: identity tokens for holders of the instance's own secret. With them, scripts and tests sign without a
 * browser. They exist only where an operator has configured such a secret in a development profile.
 */
import { DomainError } from '@chancery/chassis/domain-error';
import type { Clock } from '@chancery/chassis/service';
import { toBase64Url } from '@chancery/core/bytes';
import {
	authIssuer,
	type DevelopmentTokenRequest,
	presetIssuer,
	presetOf,
	SIGSTORE_AUDIENCE,
} from '@chancery/wire/identity';
import { believedAccount, claimsOf } from '../domain/account.ts';
import type { IssuerKeys } from '../domain/issuer-keys.ts';
import { PRESETS } from './presets/preset-list.ts';
import { isDevelopmentSecret } from './secret.ts';

const TOKEN_LIFETIME_SECONDS = 600;

/**
 * Claims that only the issuer sets. Given values are dropped, so that a claim set copied from a real token works. Who vouched
 * is among them: behind a broker certificates name that in the place of the issuer, and nobody vouched for this token but us.
 */
const ISSUER_CLAIMS = ['iss', 'aud', 'iat', 'nbf', 'exp', 'jti', 'federated_claims'];

export interface DevelopmentTokens {
	readonly publicUrl: string;
	readonly secret: string;
	readonly auth: IssuerKeys;
	/** Of the issuers of all presets. */
	readonly ci: IssuerKeys;
	readonly clock: Clock;
	readonly random: (n: number) => Uint8Array;
}

/**
 * Makes the token that `request` describes: of the person `email`, or of the machine that its preset imitates.
 * `authorization` is the request header of that name.
 * @throws {DomainError} `unauthenticated` when the secret is missing or wrong, `invalid-request` for unusable claims.
 */
export async function mintToken(
	deps: DevelopmentTokens,
	authorization: string | undefined,
	request: DevelopmentTokenRequest,
): Promise<string> {
	checkSecret(deps.secret, authorization);
	const given = withoutIssuerClaims(request.claims ?? {});
	const nowSeconds = Math.floor(deps.clock() / 1000);
	const audience = request.audience ?? SIGSTORE_AUDIENCE;
	const frame = {
		aud: audience,
		iat: nowSeconds,
		exp: nowSeconds + TOKEN_LIFETIME_SECONDS,
		jti: toBase64Url(deps.random(16)),
	};
	const name = presetOf({ preset: request.preset, claims: given });
	if (name !== undefined) {
		const { claims, backdateSeconds, hasAudienceList } = PRESETS[name];
		return deps.ci.signClaims({
			...claims(request.preset && request.email !== undefined ? { email: request.email, ...given } : given),
			...frame,
			...(hasAudienceList ? { aud: [audience] } : {}),
			...(backdateSeconds === undefined ? {} : { nbf: nowSeconds - backdateSeconds }),
			iss: presetIssuer(deps.publicUrl, name),
		});
	}
	if (request.email === undefined)
		throw new DomainError('invalid-request', "expected 'email', 'preset', or claims with 'job_workflow_ref'");
	const iss = authIssuer(deps.publicUrl);
	return deps.auth.signClaims({ ...claimsOf(believedAccount(iss, request.email)), ...given, ...frame, iss });
}

function checkSecret(secret: string, authorization: string | undefined): void {
	const given = /^Bearer +([^\s]+)$/i.exec(authorization ?? '')?.[1] ?? '';
	if (isDevelopmentSecret(secret, given)) return;
	throw new DomainError(
		'unauthenticated',
		"expected 'Authorization: Bearer' with the development secret of this instance",
		{
			headers: { 'www-authenticate': 'Bearer realm="development tokens"' },
		},
	);
}

function withoutIssuerClaims(claims: Readonly<Record<string, unknown>>): Record<string, unknown> {
	return Object.fromEntries(Object.entries(claims).filter(([name]) => !ISSUER_CLAIMS.includes(name)));
}
