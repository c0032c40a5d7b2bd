/**
 * What production does not start with in the section of the authority.
 */
import { isPlain, publicUrlFindings, subjectFindings } from '@chancery/chassis/config/process-findings';
import type { Finding } from '@chancery/chassis/config/production';
import { configuredKeys } from '@chancery/chassis/tokens/issuer-key-source';
import { nameToString } from '@chancery/core/certificate';
import type { CaConfig } from '../config.ts';
import type { IssuerSettings } from '../issuers/issuer-type.ts';
import { ISSUER_TYPES, typeOf } from '../issuers/issuer-types.ts';
import { parseChain } from './issuing-chain.ts';

/**
 * Hosts whose tokens anyone in the world can get: those that the issuer types name, whichever type an issuer is
 * configured with, and public CI systems that no type is for.
 */
const GLOBAL_HOSTS: readonly string[] = [
	...ISSUER_TYPES.flatMap(({ globalHosts }) => globalHosts),
	'gitlab.com',
	'agent.buildkite.com',
	'oidc.codefresh.io',
	'oidc.circleci.com',
	'app.terraform.io',
];

export function productionFindings(
	config: Pick<CaConfig, 'publicUrl' | 'chainPem'> & { readonly issuers: readonly IssuerSettings[] },
): Finding[] {
	return [
		...publicUrlFindings('ca.publicUrl', config.publicUrl),
		...subjectFindings('ca.chainPem', subjectsOf(config.chainPem)),
		...config.issuers.flatMap(issuerFindings),
	];
}

function issuerFindings(settings: IssuerSettings, i: number): Finding[] {
	const { issuer, rules } = settings;
	const where = `ca.issuers.${i}`;
	const host = new URL(issuer).hostname;
	const isGlobal = GLOBAL_HOSTS.some((global) => host === global || host.endsWith(`.${global}`));
	const findings: Finding[] = [];
	if (isPlain(issuer) && !configuredKeys(settings))
		findings.push({ exception: 'plain-issuers', where, found: `${issuer} is not https: its keys could be replaced` });
	if (isGlobal && rules.length === 0)
		findings.push({ exception: 'global-issuers', where, found: `${issuer} serves the whole world and has no rules` });
	const own = typeOf(settings.type).findings?.(settings) ?? [];
	return [...findings, ...own.map((finding) => ({ ...finding, where }))];
}

/** Names in a chain that can be read. One that cannot be is refused where it is opened, in better words. */
function subjectsOf(chainPem: string): string[] {
	try {
		return parseChain(chainPem).map(({ subject }) => nameToString(subject));
	} catch {
		return [];
	}
}
