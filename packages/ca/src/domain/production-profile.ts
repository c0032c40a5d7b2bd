/**
 * What profile `production` does not start with. Each rule has a setting that allows its case by name.
 */
import { nameToString } from '@chancery/core/certificate';
import type { IssuerSettings } from '../issuers/issuer-type.ts';
import type { IssuingChain } from './issuing-chain.ts';

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

/** Whoever sets up a development instance puts this word into the subject of its certificates. */
const DEVELOPMENT_MARK = /\bdevelopment\b/i;

/** The configuration is not fit for production; the message names what and how to allow it. */
export class ProfileError extends Error {
	override readonly name = 'ProfileError';
}

export interface ProfileSubject {
	readonly profile: 'development' | 'production';
	readonly publicUrl: string;
	readonly issuers: readonly IssuerSettings[];
}

/** @throws ProfileError naming everything that production refuses */
export function checkProfile(config: ProfileSubject, chain: IssuingChain): void {
	if (config.profile === 'development') return;
	const problems = [
		...chain.certificates
			.map(({ subject }) => nameToString(subject))
			.filter((subject) => DEVELOPMENT_MARK.test(subject))
			.map((subject) => `the chain holds '${subject}', which is marked as development`),
		...(isPlain(config.publicUrl) ? [`publicUrl ${config.publicUrl} is not https`] : []),
		...config.issuers.flatMap(issuerProblems),
	];
	if (problems.length > 0)
		throw new ProfileError(`profile production refuses this configuration: ${problems.join('; ')}`);
}

function issuerProblems({ issuer, rules, allowEveryone }: IssuerSettings): string[] {
	const host = new URL(issuer).hostname;
	const isGlobal = GLOBAL_HOSTS.some((global) => host === global || host.endsWith(`.${global}`));
	return [
		...(isPlain(issuer) ? [`issuer ${issuer} is not https: its keys could be replaced on the way`] : []),
		...(isGlobal && rules.length === 0 && !allowEveryone
			? [`issuer ${issuer} serves the whole world: give it rules, or set allowEveryone`]
			: []),
	];
}

function isPlain(url: string): boolean {
	return new URL(url).protocol !== 'https:';
}
