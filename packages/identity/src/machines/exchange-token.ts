/**
 * Exchanges a token of a machine issuer for one of ours (RFC 8693).
 *
 * The subject token is a bearer secret that a job handed over. So it must be meant for this service, be fresh, and by default
 * is good for one exchange: whoever finds it in a log of the job comes too late.
 */
import { createHash } from 'node:crypto';
import { DomainError } from '@chancery/chassis/domain-error';
import type { Clock } from '@chancery/chassis/service';
import { brokenRule } from '@chancery/chassis/tokens/claim-rule';
import { type Claims, requiredClaim } from '@chancery/chassis/tokens/claims';
import { quote } from '@chancery/chassis/tokens/token-errors';
import type { TokenVerifier } from '@chancery/chassis/tokens/token-verifier';
import { toBase64Url } from '@chancery/core/bytes';
import type { Audit, AuditExchange, SubjectEvent } from '../domain/audit.ts';
import type { IssuerKeys } from '../domain/issuer-keys.ts';
import { exchangedClaims } from './exchanged-claims.ts';
import type { MachineIssuer } from './machine-issuers.ts';
import type { Requester } from './requested-by.ts';

/** A row outlives its token by this, since the clocks of two replicas differ. */
const KEPT_LONGER_MS = 5 * 60_000;

export interface ExchangeDeps {
	readonly tokens: TokenVerifier<MachineIssuer>;
	readonly keys: IssuerKeys;
	readonly audit: Audit;
	readonly auditExchange: AuditExchange;
	readonly clock: Clock;
	readonly random: (n: number) => Uint8Array;
	readonly tokenLifetimeSeconds: number;
	/** What a client may ask a token for: Sigstore's audience and the ids of the public clients. */
	readonly audiences: ReadonlySet<string>;
}

export interface ExchangeRequest {
	readonly subjectToken: string;
	readonly audience: string;
	/** Of the issuer that the client believes to use; undefined when it does not say. */
	readonly connectorId: string | undefined;
	readonly by: Requester;
}

export interface ExchangedToken {
	/** A JWT of `from.ownIssuer`. */
	readonly token: string;
	readonly expiresInSeconds: number;
}

/**
 * A token for the machine that the subject token names.
 *
 * Recording the exchange, and with it that the subject token is used, is the last thing that can fail. A crash, or a connection
 * that ends, between that and the answer leaves a token that is used up: the client fetches a new one from its platform, which
 * costs it one request. The other order would let two requests at once have two tokens.
 * @throws {DomainError} `audience-not-allowed`, `connector-mismatch`, `token-*`, `claim-*`, `issuer-*`, `identity-not-allowed`
 */
export async function exchangeToken(deps: ExchangeDeps, request: ExchangeRequest): Promise<ExchangedToken> {
	if (!deps.audiences.has(request.audience))
		throw new DomainError(
			'audience-not-allowed',
			// What was asked for is not repeated: it may be the token itself, by mistake, and answers end up in the logs of jobs.
			`no tokens for this audience are issued here, only for ${[...deps.audiences].map(quote).join(', ')}`,
		);
	const { settings: from, claims } = await deps.tokens.verify(request.subjectToken, request.by.clientAddress);
	if (request.connectorId !== undefined && request.connectorId !== from.connectorId)
		throw new DomainError(
			'connector-mismatch',
			`connector_id is not the one of this issuer, ${quote(from.connectorId)}; it may be left out`,
		);
	// A token that is bound to a key (RFC 7800) is worth nothing to a thief. Ours would be a bearer token, and so undo that.
	if (Object.hasOwn(claims, 'cnf'))
		throw new DomainError('token-bound', "it is bound to a key ('cnf'); only bearer tokens are exchanged");
	const now = Math.floor(deps.clock() / 1000);
	const { expiresAt, tooOldAt } = timesOf(claims, from, now);
	const broken = brokenRule(claims, from.rules);
	if (broken)
		throw new DomainError('identity-not-allowed', `its claim ${quote(broken.claim)} is not one that is accepted here`);
	const subject = requiredClaim(claims, 'sub');

	const exp = Math.min(now + deps.tokenLifetimeSeconds, expiresAt);
	const token = await deps.keys.signClaims({
		...exchangedClaims(claims),
		federated_claims: { connector_id: from.connectorId, user_id: subject },
		iss: from.ownIssuer,
		aud: request.audience,
		iat: now,
		exp,
		jti: toBase64Url(deps.random(16)),
	});
	const event: SubjectEvent = {
		kind: 'token-exchange',
		outcome: 'accepted',
		...request.by,
		connectorId: from.connectorId,
		subject,
	};
	if (from.reuse === 'once') await useUp(deps, request.subjectToken, from, Math.min(expiresAt, tooOldAt), event);
	else await deps.audit(event);
	return { token, expiresInSeconds: exp - now };
}

interface Times {
	/** Unix seconds: `exp`. */
	readonly expiresAt: number;
	/** Unix seconds: `iat` and the age that is accepted. */
	readonly tooOldAt: number;
}

/** Times of a verified token; its `exp` has leeway, and what is issued has none. */
function timesOf(claims: Claims, { maxAgeSeconds }: MachineIssuer, now: number): Times {
	const { iat, exp } = claims;
	if (typeof iat !== 'number')
		throw new DomainError('claim-missing', "it has no claim 'iat', so nobody knows how old it is");
	const tooOldAt = iat + maxAgeSeconds;
	if (now >= tooOldAt)
		throw new DomainError(
			'token-too-old',
			`it was issued ${Math.floor(now - iat)} s ago, and ${maxAgeSeconds} s are the most; fetch a new one`,
		);
	const expiresAt = Math.floor(Number(exp));
	if (expiresAt <= now) throw new DomainError('token-expired', 'it has just expired; fetch a new one');
	return { expiresAt, tooOldAt };
}

/** @throws {DomainError} `token-used` for all but the first of any number of requests with one token */
async function useUp(
	deps: ExchangeDeps,
	token: string,
	{ issuer }: MachineIssuer,
	untilSeconds: number,
	event: SubjectEvent,
): Promise<void> {
	const isFirst = await deps.auditExchange(event, {
		issuer,
		tokenHash: hashOfSigned(token),
		expiresAt: new Date(untilSeconds * 1000 + KEPT_LONGER_MS),
	});
	if (!isFirst) throw new DomainError('token-used', 'it was exchanged before, and is good for once; fetch a new one');
}

/**
 * Of header and payload, not of the signature: whoever has an ECDSA signature can write another one that is as valid, and a
 * token must not come back in new clothes. The verifier takes one spelling of header and payload only.
 */
function hashOfSigned(token: string): string {
	return createHash('sha256')
		.update(token.slice(0, token.lastIndexOf('.')))
		.digest('base64url');
}
