/**
 * Claim rules: which subjects of an issuer may have certificates. An issuer that serves the whole world (a public CI,
 * a mail provider) vouches for strangers as well as for us; the rules say whom we mean.
 */
import { z } from 'zod';
import { type Claims, claimText } from './claims.ts';

export const claimRule = z.strictObject({
	claim: z.string().min(1).max(128).describe('Name of a claim, exactly. No default.'),
	anyOf: z
		.array(z.string().min(1).max(512))
		.min(1)
		.max(256)
		.describe('Accepted values. `*` stands for any characters except `/`; everything else is literal. No default.'),
});
export type ClaimRule = z.output<typeof claimRule>;

/** The first rule that the claims break, or undefined when all hold. A missing claim breaks its rule. */
export function brokenRule(claims: Claims, rules: readonly ClaimRule[]): ClaimRule | undefined {
	return rules.find(({ claim, anyOf }) => {
		const value = claimText(claims, claim);
		return value === undefined || !anyOf.some((pattern) => matchesPattern(pattern, value));
	});
}

/**
 * Whether the whole value matches the pattern. Anchored at both ends: an unanchored match of `octo-org` would accept
 * `octo-org-evil`. Linear in the lengths, since the value is the requester's.
 */
export function matchesPattern(pattern: string, value: string): boolean {
	const patternParts = pattern.split('/');
	const valueParts = value.split('/');
	return (
		patternParts.length === valueParts.length && patternParts.every((part, i) => matchesPart(part, valueParts[i] ?? ''))
	);
}

function matchesPart(pattern: string, value: string): boolean {
	const [first = '', ...rest] = pattern.split('*');
	const last = rest.pop();
	if (last === undefined) return pattern === value;
	if (value.length < first.length + last.length || !value.startsWith(first) || !value.endsWith(last)) return false;
	const end = value.length - last.length;
	let at = first.length;
	for (const literal of rest) {
		const found = value.indexOf(literal, at);
		if (found < 0 || found + literal.length > end) return false;
		at = found + literal.length;
	}
	return true;
}
