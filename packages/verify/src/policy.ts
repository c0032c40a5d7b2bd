/**
 * Who must have signed. A policy is either a set of identities, for certificates, or one key; there is no policy that
 * accepts everybody.
 */

import { type Certificate, type SubjectAltName, subjectAltNames } from '@chancery/core/certificate';
import { OTHER_NAME_OID, readFulcioExtensions } from '@chancery/core/fulcio-extensions';
import { readOr, VerifyError } from './verify-error.ts';

/** Text that must be equal, or a pattern that must match the whole text. */
export type Matcher = { readonly exactly: string } | { readonly matching: RegExp };

export interface IdentityMatcher {
	/** Against the subject alternative name: e-mail address, URI, or user name. */
	readonly subject: Matcher;
	/** Against the issuer that the CA took the identity from. */
	readonly issuer: Matcher;
}

export type Policy =
	| { readonly kind: 'identities'; readonly anyOf: readonly [IdentityMatcher, ...IdentityMatcher[]] }
	/** DER SubjectPublicKeyInfo. */
	| { readonly kind: 'key'; readonly publicKey: Uint8Array };

/** The identity a certificate was issued to. */
export interface CertificateIdentity {
	readonly subject: string;
	readonly issuer: string;
}

/**
 * The first identity of the policy that the certificate bears.
 * @throws {VerifyError} `identity-mismatch`, with what was found; `certificate-invalid` when its names cannot be read
 */
export function checkIdentity(certificate: Certificate, policy: Policy): CertificateIdentity {
	if (policy.kind === 'key')
		throw new VerifyError('key-mismatch', 'the bundle was signed with a certificate, not with the given key');
	const { subjects, issuer } = readOr('certificate-invalid', 'the name in the certificate', () => ({
		subjects: subjectAltNames(certificate)
			.filter(isIdentity)
			.map(({ value }) => value),
		issuer: issuerOf(certificate),
	}));
	for (const wanted of policy.anyOf) {
		const subject = subjects.find((candidate) => isMatch(wanted.subject, candidate));
		if (subject !== undefined && isMatch(wanted.issuer, issuer)) return { subject, issuer };
	}
	throw new VerifyError('identity-mismatch', 'the certificate was issued to somebody else', {
		expected: policy.anyOf.map((wanted) => `${describe(wanted.subject)} from ${describe(wanted.issuer)}`).join(' or '),
		found: `${subjects.join(', ') || 'no name'} from ${issuer || 'no issuer'}`,
	});
}

/** @throws {VerifyError} `key-mismatch` when the policy wants identities or another key */
export function checkKeyPolicy(hint: string, policy: Policy): Uint8Array {
	if (policy.kind === 'key') return policy.publicKey;
	throw new VerifyError('key-mismatch', 'the bundle was signed with a bare key; give that key to verify it', {
		expected: 'a certificate',
		found: `key hint ${JSON.stringify(hint.slice(0, 100))}`,
	});
}

/** Name forms that identities come in. An otherName of another type would be text that means something else. */
function isIdentity({ type, oid }: SubjectAltName): boolean {
	return type === 'email' || type === 'uri' || type === 'dns' || (type === 'otherName' && oid === OTHER_NAME_OID);
}

/** Issuer, version 2 (a DER string) before version 1 (raw text), as in the CA's extension registry. */
function issuerOf(certificate: Certificate): string {
	const { issuerV2, issuer } = readFulcioExtensions(certificate);
	// Clients differ in which of the two they read, so a certificate with two issuers has none.
	if (issuerV2 !== undefined && issuer !== undefined && issuerV2 !== issuer)
		throw new VerifyError('certificate-invalid', 'the certificate names two issuers');
	return issuerV2 ?? issuer ?? '';
}

/**
 * A pattern must match from the first to the last character: an unanchored one would accept `evil-alice@corp.example`,
 * and one anchored at lines (flag m) a name with a line feed in it.
 */
function isMatch(matcher: Matcher, text: string): boolean {
	if ('exactly' in matcher) return matcher.exactly === text;
	return new RegExp(`^(?:${matcher.matching.source})$`, matcher.matching.flags.replace(/[gmy]/g, '')).test(text);
}

function describe(matcher: Matcher): string {
	return 'exactly' in matcher ? matcher.exactly : `/${matcher.matching.source}/`;
}
