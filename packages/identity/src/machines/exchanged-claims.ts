/** Which claims of a subject token are in the token that it is exchanged for. */
import { DomainError } from '@chancery/chassis/domain-error';
import type { Claims } from '@chancery/chassis/tokens/claims';
import { FormatError } from '@chancery/core/format-error';
import { parseJson } from '@chancery/core/json';

/**
 * Claims about the subject token itself (RFC 7519 section 4.1, OpenID Connect Core sections 2 and 3.3.2.11), which would
 * say something wrong of another token; and the one that only we write.
 */
const NOT_COPIED: ReadonlySet<string> = new Set([
	...['iss', 'aud', 'exp', 'iat', 'nbf', 'jti', 'nonce', 'at_hash', 'c_hash', 'azp', 'cnf'],
	'federated_claims',
]);

/** GitHub writes about forty claims in 2 KiB, three levels deep at the most. */
const MAX_CLAIMS = 100;
/** With the signature still far below what the certificate authority takes as a token. */
const MAX_CLAIMS_CHARS = 8 * 1024;
const MAX_CLAIM_DEPTH = 8;

/**
 * The claims that are copied, `sub` among them.
 * @throws {DomainError} `token-too-large`
 */
export function exchangedClaims(claims: Claims): Record<string, unknown> {
	const copied = Object.entries(claims).filter(([name]) => !NOT_COPIED.has(name));
	if (copied.length > MAX_CLAIMS)
		throw new DomainError('token-too-large', `it has ${copied.length} claims, ${MAX_CLAIMS} are the most`);
	const result = Object.fromEntries(copied);
	const text = JSON.stringify(result);
	if (text.length > MAX_CLAIMS_CHARS)
		throw new DomainError(
			'token-too-large',
			`its claims have ${text.length} characters as JSON, ${MAX_CLAIMS_CHARS} are the most`,
		);
	try {
		parseJson(text, { maxDepth: MAX_CLAIM_DEPTH });
	} catch (error) {
		if (!(error instanceof FormatError)) throw error;
		throw new DomainError('token-too-large', `its claims are nested deeper than ${MAX_CLAIM_DEPTH} levels`);
	}
	return result;
}
