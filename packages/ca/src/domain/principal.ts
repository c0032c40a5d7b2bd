/**
 * From a verified token to the subject of a certificate: the rules that every issuer type shares.
 */
import { brokenRule } from '@chancery/chassis/tokens/claim-rule';
import { claimAtPath, claimText, requiredClaim } from '@chancery/chassis/tokens/claims';
import { quote } from '@chancery/chassis/tokens/token-errors';
import type { VerifiedToken } from '@chancery/chassis/tokens/token-verifier';
import type { ExtensionValues, IssuerSettings, SubjectName } from '../issuers/issuer-type.ts';
import { typeOf } from '../issuers/issuer-types.ts';
import { refuse } from './refusal.ts';

export interface CertifiedIdentity {
	readonly subject: SubjectName;
	/** Who vouches for the subject, as the certificate says it. */
	readonly issuer: string;
	/** All extension values, issuer and token subject included. */
	readonly extensions: ExtensionValues;
	/** Texts whose signature proves the key; at least one, none empty. */
	readonly challenges: readonly string[];
}

/**
 * @throws {DomainError} `identity-not-allowed` when a claim rule does not hold, `claim-missing`, `claim-malformed` or
 * `email-not-verified` from the issuer type.
 */
export function identify({
	settings,
	claims,
}: Pick<VerifiedToken<IssuerSettings>, 'settings' | 'claims'>): CertifiedIdentity {
	const type = typeOf(settings.type);
	const subject = type.subjectOf(claims, settings);
	const { issuerClaim } = settings;
	const issuer = issuerClaim === undefined ? settings.issuer : claimAtPath(claims, issuerClaim);
	const broken = brokenRule(claims, settings.rules);
	if (broken)
		throw refuse(
			'identity-not-allowed',
			`no rule of this authority accepts the value of the claim ${quote(broken.claim)}`,
		);
	const sub = requiredClaim(claims, 'sub');
	return {
		subject,
		issuer,
		extensions: { ...type.extensions(claims, settings), issuer, issuerV2: issuer, subject: sub },
		challenges: challengesOf([claimText(claims, type.challengeClaim), claimText(claims, 'email'), sub]),
	};
}

/**
 * Clients sign the e-mail address when the token has one and `sub` otherwise, whatever the issuer type. Accepting any
 * of the three costs nothing: each is bound to the same token, and the signature only has to show who holds the key.
 */
function challengesOf(texts: readonly (string | undefined)[]): string[] {
	return [...new Set(texts)].filter((text): text is string => text !== undefined && text !== '' && text.isWellFormed());
}
