/**
 * Checks that the answer of a token endpoint has the tokens that were asked for: signed by a published key (RFC 7515, RS256), of
 * this issuer, for this client, about this person or machine.
 */
import { createPublicKey, type KeyObject, verify } from 'node:crypto';

export interface ExpectedTokens {
	/** Members of the answer that are tokens. */
	readonly members: readonly ('access_token' | 'id_token')[];
	/** Of an exchange (RFC 8693 section 2.2.1). */
	readonly issuedTokenType?: string;
	readonly issuer: string;
	/** One of the audiences of each token. */
	readonly audience: string;
	readonly email: string;
	/** Who vouched, and for whom. */
	readonly connectorId: string;
	readonly userId: string;
}

export interface PublishedKey {
	readonly kty?: string;
	readonly kid?: string;
	readonly n?: string;
	readonly e?: string;
}

interface TokenClaims {
	readonly iss?: unknown;
	readonly aud?: unknown;
	readonly sub?: unknown;
	readonly iat?: unknown;
	readonly exp?: unknown;
	readonly email?: unknown;
	readonly email_verified?: unknown;
	readonly federated_claims?: { readonly connector_id?: unknown; readonly user_id?: unknown };
}

/** The answers are verified at most this long after they were made. */
const MAX_AGE_SECONDS = 600;

export class TokenJudge {
	readonly #keys: ReadonlyMap<string, KeyObject>;

	/** `keySet` is what the server publishes (RFC 7517); keys that are not RSA sign no tokens. */
	constructor(keySet: { readonly keys: readonly PublishedKey[] }) {
		this.#keys = new Map(
			keySet.keys
				.filter(({ kty }) => kty === 'RSA')
				.map((key) => [key.kid ?? '', createPublicKey({ key: { ...key }, format: 'jwk' })]),
		);
	}

	/** Returns the tokens, or what is wrong. */
	judge(expected: ExpectedTokens, body: Buffer): { readonly tokens: readonly string[] } | string {
		try {
			const answer = JSON.parse(body.toString()) as Record<string, unknown>;
			if (answer.issued_token_type !== expected.issuedTokenType)
				return `the type of the token is ${String(answer.issued_token_type)}`;
			const tokens: string[] = [];
			for (const member of expected.members) {
				const token = answer[member];
				if (typeof token !== 'string') return `the answer has no ${member}`;
				const complaint = this.#judgeToken(token, expected);
				if (complaint !== undefined) return `${member}: ${complaint}`;
				tokens.push(token);
			}
			return { tokens };
		} catch (error) {
			return `the answer cannot be read: ${error instanceof Error ? error.message : String(error)}`;
		}
	}

	#judgeToken(token: string, expected: ExpectedTokens): string | undefined {
		const [head = '', payload = '', signature = '', ...more] = token.split('.');
		if (more.length > 0) return 'it is no JWT';
		const { alg, kid } = read<{ alg?: unknown; kid?: unknown }>(head);
		if (alg !== 'RS256') return `its algorithm is ${String(alg)}`;
		const key = this.#keys.get(String(kid));
		if (key === undefined) return 'its key is not published';
		if (!verify('sha256', Buffer.from(`${head}.${payload}`), key, Buffer.from(signature, 'base64url')))
			return 'the signature is wrong';
		return judgeClaims(read(payload), expected);
	}
}

function read<T>(part: string): T {
	return JSON.parse(Buffer.from(part, 'base64url').toString()) as T;
}

function judgeClaims(claims: TokenClaims, expected: ExpectedTokens): string | undefined {
	const { iss, aud, sub, iat, exp, email, email_verified, federated_claims } = claims;
	if (iss !== expected.issuer) return `its issuer is ${String(iss)}`;
	if (![aud].flat().includes(expected.audience)) return `its audience is ${String(aud)}`;
	if (typeof sub !== 'string' || sub === '') return 'it has no subject';
	if (email !== expected.email || email_verified !== true) return `it is about ${String(email)}`;
	if (federated_claims?.user_id !== expected.userId) return `it is about the user ${String(federated_claims?.user_id)}`;
	if (federated_claims.connector_id !== expected.connectorId)
		return `${String(federated_claims.connector_id)} vouches for it`;
	const now = Date.now() / 1000;
	if (typeof iat !== 'number' || Math.abs(now - iat) > MAX_AGE_SECONDS) return `it was issued at ${String(iat)}`;
	return typeof exp === 'number' && exp > iat ? undefined : `it expires at ${String(exp)}`;
}
