/**
 * What an issuer type is: how the claims of one family of identity providers become a certificate subject.
 *
 * A type is one file in this folder exporting one object, and one line in `issuer-types.ts`. Everything that all
 * types share (token checks, claim rules, the extensions for issuer and subject) is done outside of them.
 */
import type { FulcioExtensionName } from '@chancery/core/fulcio-extensions';
import { z } from 'zod';
import { claimRule } from './claim-rule.ts';

/** The verified claims of a token. Values are whatever the issuer wrote. */
export type Claims = Readonly<Record<string, unknown>>;

/** The one name in a certificate. `uri` is already in the form that is encoded. */
export interface SubjectName {
	readonly type: 'email' | 'uri';
	readonly value: string;
}

export interface Principal {
	readonly subject: SubjectName;
	/** Value of the issuer extensions: who vouches for the identity. */
	readonly issuer: string;
}

/** Extension values by name; an empty or absent value makes no extension. */
export type ExtensionValues = Readonly<Partial<Record<FulcioExtensionName, string>>>;

export interface IssuerExample {
	readonly name: string;
	/** Settings as an operator writes them, without `type`. */
	readonly settings: { readonly issuer: string } & Readonly<Record<string, unknown>>;
	readonly claims: Claims;
	readonly expect: { readonly principal: Principal; readonly extensions: ExtensionValues };
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
} as const;

export type IssuerSettings = z.output<z.ZodObject<typeof issuerSettingsShape>> & { readonly type: string };

export interface IssuerType<Schema extends z.ZodType<IssuerSettings> = z.ZodType<IssuerSettings>> {
	/** Value of `type` in the settings. */
	readonly name: string;
	/** What Fulcio's configuration endpoint calls this type. */
	readonly wireName: string;
	/** The claim that the requester signs; a signature over `email` or `sub` is accepted as well. */
	readonly challengeClaim: 'email' | 'sub';
	/** A strict object over `issuerSettingsShape`; the name is the literal of its `type`. */
	readonly configSchema: Schema;
	/** @throws DomainError `claim-missing`, `claim-malformed` or `email-not-verified`. */
	toPrincipal(claims: Claims, settings: z.output<Schema>): Principal;
	/** Everything beside issuer and token subject. @throws DomainError `claim-missing` or `claim-malformed`. */
	extensions(claims: Claims, settings: z.output<Schema>): ExtensionValues;
	readonly examples: readonly IssuerExample[];
}

/** Ties the settings that an issuer type is given to its own schema. */
export function issuerType<Schema extends z.ZodType<IssuerSettings>>(
	definition: IssuerType<Schema>,
): IssuerType<Schema> {
	return definition;
}
