/** The identity provider in a process of its own. */
import { run } from '@chancery/chassis/process/run';
import { SigningKeyError } from './domain/issuer-keys.ts';
import { productionFindings } from './domain/production-findings.ts';
import { processSchema, readSigningJwks } from './process-config.ts';
import { createService, IdentitySetupError } from './service.ts';
import { MIGRATIONS } from './store/migrations.ts';

await run({
	name: 'identity',
	config: processSchema(),
	migrations: MIGRATIONS,
	findings: productionFindings,
	explain: (error) =>
		error instanceof IdentitySetupError || error instanceof SigningKeyError ? error.message : undefined,
	open: ({ config, ...deps }) => {
		const { signingJwks, developmentSecret, ...own } = config;
		return createService({
			...deps,
			config: own,
			signingJwks: readSigningJwks(signingJwks),
			...(developmentSecret ? { developmentSecret: developmentSecret.reveal() } : {}),
		});
	},
});
