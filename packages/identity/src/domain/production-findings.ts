/** What production does not start with in the section of the identity provider. */
import { publicUrlFindings } from '@chancery/chassis/process-findings';
import type { Finding } from '@chancery/chassis/production';
import type { IdentityConfig } from '../config.ts';

export function productionFindings(
	config: Pick<IdentityConfig, 'publicUrl' | 'developmentLogin'> & { readonly developmentSecret?: object | undefined },
): Finding[] {
	const { publicUrl, developmentLogin, developmentSecret } = config;
	const findings = publicUrlFindings('identity.publicUrl', publicUrl);
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
