/**
 * Reading claims. Issuers disagree about types (ids are numbers at some and text at others); certificates hold text.
 */
import { quote, refuseToken } from './token-errors.ts';

/** The verified claims of a token. Values are whatever the issuer wrote. */
export type Claims = Readonly<Record<string, unknown>>;

/** No name, reference or URL in an honest token is longer; longer ones would only fatten certificates. */
const MAX_CLAIM_CHARS = 2048;

/** A string, an integer or a boolean claim as text. Undefined when absent, null, or of any other type. */
export function claimText(claims: Claims, name: string): string | undefined {
	const value = Object.hasOwn(claims, name) ? claims[name] : undefined;
	if (typeof value === 'string') return value;
	if (typeof value === 'boolean' || (typeof value === 'number' && Number.isSafeInteger(value))) return String(value);
	return undefined;
}

/**
 * A claim that must be there and not empty.
 * @throws {DomainError} `claim-missing`, or `claim-malformed` when it has another type, is too long or holds controls.
 */
export function requiredClaim(claims: Claims, name: string): string {
	const text = optionalClaim(claims, name);
	if (text === '') throw refuseToken('claim-missing', `the token has no claim ${quote(name)}`);
	return text;
}

/** As `requiredClaim`, but empty text when it is absent or null. */
export function optionalClaim(claims: Claims, name: string): string {
	const value = Object.hasOwn(claims, name) ? claims[name] : undefined;
	if (value === undefined || value === null) return '';
	const text = claimText(claims, name);
	if (text === undefined)
		throw refuseToken('claim-malformed', `the claim ${quote(name)} is neither text nor an integer`);
	// A lone surrogate has no UTF-8, and a control character only serves to deceive whoever prints the certificate.
	if (text.length > MAX_CLAIM_CHARS || !text.isWellFormed() || /\p{Cc}/u.test(text))
		throw refuseToken('claim-malformed', `the claim ${quote(name)} is too long or holds control characters`);
	return text;
}

/**
 * Follows a path such as `$.federated_claims.connector_id` to a non-empty text.
 * @throws {DomainError} `claim-missing`
 */
export function claimAtPath(claims: Claims, path: string): string {
	let value: unknown = claims;
	for (const name of path.split('.').slice(1))
		value =
			typeof value === 'object' && value !== null && Object.hasOwn(value, name) ? Reflect.get(value, name) : undefined;
	if (typeof value !== 'string') throw refuseToken('claim-missing', `the token has no text at ${quote(path)}`);
	return requiredClaim({ [path]: value }, path);
}
