/** What connectors ask of claims before they let somebody in. */
import { brokenRule, type ClaimRule, claimRule } from '@chancery/chassis/tokens/claim-rule';
import type { Claims } from '@chancery/chassis/tokens/claims';
import { z } from 'zod';
import { UpstreamFailure } from './upstream-failure.ts';

/** What production calls a provider where everybody may have an account. */
export const WHOLE_WORLD = 'everybody with an account there signs in';

export const rulesField = z
	.array(claimRule)
	.max(64)
	.default([])
	.describe(
		'Claim rules; all must hold before somebody is signed in. A claim that is a list, such as groups, holds when one of its members does. Default none: everybody whom the provider knows.',
	);

/** @throws {UpstreamFailure} `upstream-not-allowed` */
export function checkRules(claims: Claims, rules: readonly ClaimRule[]): void {
	const broken = rules.find(
		(rule) => !valuesOf(claims, rule.claim).some((value) => !brokenRule({ [rule.claim]: value }, [rule])),
	);
	if (broken)
		throw new UpstreamFailure(
			'upstream-not-allowed',
			`the claim '${broken.claim}' is ${shown(claims, broken.claim)}, and no value in its rule matches`,
		);
}

/** `true`; some providers write it as text. */
export function isTrue(claim: unknown): boolean {
	return claim === true || claim === 'true';
}

const MAX_VALUES = 1_000;

function valuesOf(claims: Claims, name: string): readonly unknown[] {
	const value = Object.hasOwn(claims, name) ? claims[name] : undefined;
	return Array.isArray(value) ? value.slice(0, MAX_VALUES) : [value];
}

function shown(claims: Claims, name: string): string {
	const text = Object.hasOwn(claims, name) ? JSON.stringify(claims[name]) : undefined;
	return text === undefined ? 'not there' : text.slice(0, 100);
}
