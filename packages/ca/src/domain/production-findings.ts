/**
 * What production does not start with in the section of the authority.
 */
import { isPlain, publicUrlFindings, subjectFindings } from '@chancery/chassis/config/process-findings';
import type { Finding } from '@chancery/chassis/config/production';
import { nameToString } from '@chancery/core/certificate';
import type { CaConfig } from '../config.ts';
import type { IssuerSettings } from '../issuers/issuer-type.ts';
import { parseChain } from './issuing-chain.ts';

/** Hosts whose tokens anyone in the world can get: public CI systems and mail providers. */
const GLOBAL_HOSTS: readonly string[] = [
	'token.actions.githubusercontent.com',
	'gitlab.com',
	'accounts.google.com',
	'login.microsoftonline.com',
	'appleid.apple.com',
	'github.com',
	'oauth2.sigstore.dev',
	'oauth2.sigstage.dev',
	'issuer.hello.coop',
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
	if (isPlain(issuer))
		findings.push({ exception: 'plain-issuers', where, found: `${issuer} is not https: its keys could be replaced` });
	if (isGlobal && rules.length === 0)
		findings.push({ exception: 'global-issuers', where, found: `${issuer} serves the whole world and has no rules` });
	if ('skipEmailVerification' in settings && settings.skipEmailVerification === true)
		findings.push({ exception: 'unverified-email', where, found: `${issuer} has skipEmailVerification` });
	return findings;
}

/** Names in a chain that can be read. One that cannot be is refused where it is opened, in better words. */
function subjectsOf(chainPem: string): string[] {
	try {
		return parseChain(chainPem).map(({ subject }) => nameToString(subject));
	} catch {
		return [];
	}
}
