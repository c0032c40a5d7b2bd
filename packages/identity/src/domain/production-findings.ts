/** What production refuses in the section of the identity provider. */
import { clearKeyFindings, publicUrlFindings } from '@chancery/chassis/config/process-findings';
import type { Finding } from '@chancery/chassis/config/production';
import type { IdentityConfig } from '../config.ts';
import { connectorFindings } from '../connectors/connectors.ts';
import { machineIssuerFindings } from '../machines/machine-issuers.ts';

export function productionFindings(
	config: Pick<
		IdentityConfig,
		'publicUrl' | 'connectors' | 'machineIssuers' | 'developmentLogin' | 'developmentSecret' | 'signingJwks'
	>,
): Finding[] {
	const { publicUrl, developmentSecret, signingJwks } = config;
	const findings = [
		...publicUrlFindings('identity.publicUrl', publicUrl),
		...clearKeyFindings('identity.signingJwks', signingJwks),
	];
	findings.push(...connectorFindings(config.connectors), ...machineIssuerFindings(config.machineIssuers));
	if (config.developmentLogin !== false)
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
