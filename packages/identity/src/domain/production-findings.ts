/** What production refuses in the section of the identity provider. */
import { clearKeyFindings, publicUrlFindings } from '@chancery/chassis/config/process-findings';
import type { Finding } from '@chancery/chassis/config/production';
import type { IdentityConfig } from '../config.ts';
import { enabledLoginMethods, type LoginSettings } from '../login-methods/all.ts';

export function productionFindings(
	config: LoginSettings & Pick<IdentityConfig, 'publicUrl' | 'developmentSecret' | 'signingJwks'>,
): Finding[] {
	const { publicUrl, developmentSecret, signingJwks } = config;
	const findings = [
		...publicUrlFindings('identity.publicUrl', publicUrl),
		...clearKeyFindings('identity.signingJwks', signingJwks),
	];
	for (const method of enabledLoginMethods(config)) findings.push(...method.findings(config));
	if (developmentSecret !== undefined)
		findings.push({
			exception: 'development-login',
			where: 'identity.developmentSecret',
			found: 'whoever has the secret mints tokens for anyone',
		});
	return findings;
}
