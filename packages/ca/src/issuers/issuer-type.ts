/**
 * What an issuer type is: how the claims of one family of identity providers become a certificate subject.
 *
 * A type is one file in this folder exporting one object, and one line in `issuer-list.ts`. Configuration, certificates,
 * the rules of production and the generic tests follow from it. Everything that all types share (token checks, claim
 * rules, the extensions for issuer and subject) is done outside of them.
 */
import type { Finding } from '@chancery/chassis/config/production';
import { claimRule } from '@chancery/chassis/tokens/claim-rule';
import type { Claims } from '@chancery/chassis/tokens/claims';
import { issuerKeySource } from '@chancery/chassis/tokens/issuer-key-source';
import type { FulcioExtensionName } from '@chancery/core/fulcio-extensions';
import type { Configuration } from '@chancery/wire/fulcio';
import { z } from 'zod';

/** The one name in a certificate. `uri` is already in the form that is encoded. */
export interface SubjectName {
	readonly type: 'email' | 'uri';
	readonly value: string;
}

/** Extension values by name; an empty or absent value makes no extension. */
export type ExtensionValues = Readonly<Partial<Record<FulcioExtensionName, string>>>;

export interface IssuerExample {
	readonly name: string;
	/** Settings as an operator writes them, without `type`. */
	readonly settings: { readonly issuer: string } & Readonly<Record<string, unknown>>;
	readonly claims: Claims;
	/** Those of the claims without which the token would be as good: not read, or read when they are there. */
	readonly optionalClaims: readonly string[];
	readonly expect: {
		readonly subject: SubjectName;
		/** Value of the issuer extensions: who vouches for the identity. */
		readonly issuer: string;
		/** Beside those of issuer and token subject. */
		readonly extensions: ExtensionValues;
	};
}

/** The settings that issuers of every type have. */
export const issuerSettingsShape = {
	issuer: z
		.url({ protocol: /^https?$/ })
		.max(2048)
		.describe(
			'Issuer URL, byte for byte as in the `iss` claim and in the discovery document. No default. Certificates name it: changing it changes what verifiers must ask for.',
		),
	audience: z
		.string()
		.min(1)
		.max(256)
		.default('sigstore')
		.describe(
			'Value that `aud` must contain. Default `sigstore`, the client id that signing clients use. A shared audience lets tokens of other services sign.',
		),
	rules: z
		.array(claimRule)
		.max(64)
		.default([])
		.describe('Claim rules; all must hold before a certificate is issued. Default none: every subject of the issuer.'),
	issuerClaim: z
		.string()
		.regex(/^\$(\.[A-Za-z0-9_-]+)+$/, 'expected a path such as $.federated_claims.connector_id')
		.max(256)
		.optional()
		.describe(
			'Path such as `$.federated_claims.connector_id` to the upstream provider that a broker names; it goes into the certificate instead of `iss`. Default: `iss`. Danger: the broker can then name any provider.',
		),
	...issuerKeySource,
} as const;

export type IssuerSettings = z.output<z.ZodObject<typeof issuerSettingsShape>> & { readonly type: string };

/** An issuer as Fulcio's configuration endpoint shows it. */
type WireIssuer = Configuration['issuers'][number];

export interface IssuerType<Schema extends z.ZodType<IssuerSettings> = z.ZodType<IssuerSettings>> {
	/** Value of `type` in the settings. */
	readonly name: string;
	/** What Fulcio's configuration endpoint calls this type. */
	readonly wireName: string;
	/** The claim that the requester signs; a signature over `email` or `sub` is accepted as well. */
	readonly challengeClaim: 'email' | 'sub';
	/** The name in the certificate, in a few words for the README. */
	readonly certifiedName: string;
	/** Hosts whose tokens of this type anyone in the world can get: production wants claim rules for them. */
	readonly globalHosts: readonly string[];
	/** A strict object over `issuerSettingsShape`; the name is the literal of its `type`. */
	readonly configSchema: Schema;
	/** @throws {DomainError} `claim-missing`, `claim-malformed` or `email-not-verified`. */
	subjectOf(claims: Claims, settings: z.output<Schema>): SubjectName;
	/** Everything beside issuer and token subject. @throws {DomainError} `claim-missing` or `claim-malformed`. */
	extensions(claims: Claims, settings: z.output<Schema>): ExtensionValues;
	/** What production does not start with in these settings, beside what it asks of every issuer. */
	findings?(settings: z.output<Schema>): readonly Omit<Finding, 'where'>[];
	/** Members of Fulcio's configuration endpoint that only this type fills. */
	wireSettings?(
		settings: z.output<Schema>,
	): Partial<Pick<WireIssuer, 'skipEmailVerification' | 'spiffeTrustDomain' | 'subjectDomain'>>;
	readonly examples: readonly IssuerExample[];
}

/** Ties the settings that an issuer type is given to its own schema. */
export function issuerType<Schema extends z.ZodType<IssuerSettings>>(
	definition: IssuerType<Schema>,
): IssuerType<Schema> {
	return definition;
}
