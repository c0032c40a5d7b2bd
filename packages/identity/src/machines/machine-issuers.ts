/**
 * Issuers of machine identities: CI systems, clusters and workload identity providers whose tokens are exchanged here.
 *
 * Each has an issuer of its own on our side, `<publicUrl>/machines/<name>`. A verifier chooses by the issuer how it reads
 * the claims, so tokens of a CI system and of a cluster cannot be under one, and neither under that of people.
 */
import { isPlain } from '@chancery/chassis/config/process-findings';
import type { Finding } from '@chancery/chassis/config/production';
import { claimRule } from '@chancery/chassis/tokens/claim-rule';
import { checkKeySource, configuredKeys, issuerKeySource } from '@chancery/chassis/tokens/issuer-key-source';
import { authIssuer, machineIssuer, machineIssuerName } from '@chancery/wire/identity';
import { z } from 'zod';
import { connectorId } from '../domain/connector-id.ts';

const MAX_ISSUERS = 64;

/**
 * Hosts whose tokens anyone in the world can get. The certificate authority has such a list for issuers that it asks itself;
 * behind an exchange it sees only our issuer, so that the question is asked here.
 */
const GLOBAL_HOSTS: readonly string[] = [
	'token.actions.githubusercontent.com',
	'gitlab.com',
	'agent.buildkite.com',
	'oidc.circleci.com',
	'oidc.codefresh.io',
	'app.terraform.io',
	'accounts.google.com',
	'login.microsoftonline.com',
	'oauth2.sigstore.dev',
];

const machineIssuerShape = z.strictObject({
	name: machineIssuerName.describe('Last part of the issuer of the exchanged tokens: PUBLICURL/machines/NAME.'),
	issuer: z
		.url({ protocol: /^https?$/ })
		.max(2048)
		.describe('Issuer URL, byte for byte as in the `iss` claim of its tokens and in its discovery document.'),
	connectorId: connectorId
		.optional()
		.describe(
			'Names the issuer in exchanged tokens (`federated_claims.connector_id`) and in certificates. Default: the issuer URL.',
		),
	audience: z
		.string()
		.min(1)
		.max(2048)
		.optional()
		.describe(
			'Value that `aud` of its tokens must contain. Default: PUBLICURL/auth, so that a token for another service is of no use here.',
		),
	maxAgeSeconds: z
		.int()
		.min(10)
		.max(86_400)
		.default(600)
		.describe('Seconds after `iat` during which a token is exchanged, even when it is valid for longer. Default 600.'),
	reuse: z
		.enum(['once', 'until-expiry'])
		.default('once')
		.describe(
			'`once`: a token is good for one exchange. `until-expiry`: for any number within maxAgeSeconds, for platforms that give a machine the same token again and again. Default `once`.',
		),
	rules: z
		.array(claimRule)
		.max(64)
		.default([])
		.describe('Claim rules; all must hold before a token is exchanged. Default none: every subject of the issuer.'),
	...issuerKeySource,
});
const machineIssuerSchema = machineIssuerShape.superRefine(checkKeySource);

/** Setting `machineIssuers`. Each name and each issuer stands once: a token must belong to one entry. */
export const machineIssuersSchema = z
	.array(machineIssuerSchema)
	.max(MAX_ISSUERS)
	.refine((issuers) => isUnique(issuers.map(({ name }) => name)), { message: 'two machine issuers have the same name' })
	.refine((issuers) => isUnique(issuers.map(({ issuer }) => issuer)), {
		message: 'two machine issuers have the same issuer URL; tokens of one issuer follow one set of rules',
	});

export type MachineIssuerSettings = z.output<typeof machineIssuerSchema>;

/** A machine issuer with its defaults filled in. */
export interface MachineIssuer extends MachineIssuerSettings {
	readonly connectorId: string;
	readonly audience: string;
	/** `iss` of the exchanged tokens. */
	readonly ownIssuer: string;
}

/** Fills in what follows from the address of this service. */
export function machineIssuersOf(publicUrl: string, settings: readonly MachineIssuerSettings[]): MachineIssuer[] {
	return settings.map((each) => ({
		...each,
		connectorId: each.connectorId ?? each.issuer,
		audience: each.audience ?? authIssuer(publicUrl),
		ownIssuer: machineIssuer(publicUrl, each.name),
	}));
}

/** What production does not start with in these settings. */
export function machineIssuerFindings(settings: readonly MachineIssuerSettings[]): Finding[] {
	return settings.flatMap((each, index): Finding[] => {
		const { issuer, rules } = each;
		const where = `identity.machineIssuers.${index}`;
		const host = new URL(issuer).hostname;
		const isGlobal = GLOBAL_HOSTS.some((global) => host === global || host.endsWith(`.${global}`));
		return [
			...(isPlain(issuer) && !configuredKeys(each)
				? [{ exception: 'plain-issuers' as const, where, found: `${issuer} is not https: its keys could be replaced` }]
				: []),
			...(isGlobal && rules.length === 0
				? [{ exception: 'global-issuers' as const, where, found: `${issuer} serves the whole world and has no rules` }]
				: []),
		];
	});
}

function isUnique(values: readonly string[]): boolean {
	return new Set(values).size === values.length;
}
