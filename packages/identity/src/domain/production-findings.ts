/** What production does not start with in the section of the identity provider. */
import { clearKeyFindings, publicUrlFindings } from '@chancery/chassis/config/process-findings';
import type { Finding } from '@chancery/chassis/config/production';
import type { Secret } from '@chancery/chassis/config/secret';
import type { IdentityConfig } from '../config.ts';

export function productionFindings(
	config: Pick<IdentityConfig, 'publicUrl' | 'developmentLogin'> & {
		readonly signingJwks: Secret;
		readonly developmentSecret?: object | undefined;
	},
): Finding[] {
	const { publicUrl, developmentLogin, developmentSecret, signingJwks } = config;
	const findings = [
		...publicUrlFindings('identity.publicUrl', publicUrl),
		...clearKeyFindings('identity.signingJwks', signingJwks),
	];
	if (developmentLogin)
		findings.push({
			exception: 'development-login',
			where: 'identity.developmentLogin',
			found: 'the login page believes any address',
		});
	if (developmentSecret !== undefined)
		findings.push({
			exception: 'development-login',
			where: 'identity.developmentSecret',
			found: 'whoever has the secret mints tokens for anyone',
		});
	return findings;
}
