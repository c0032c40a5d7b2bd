/**
 * The identity provider, for whoever starts it. Its signing keys are JWKs in its section: OIDC rotates them by publishing
 * several at once.
 */
import { defineService } from '@chancery/chassis/service-definition';
import { getTrustReport } from '@chancery/wire/trust-report';
import { configSchema } from './config.ts';
import { exposureRefusals } from './development/exposure.ts';
import { checkup } from './domain/checkup.ts';
import { SigningKeyError } from './domain/issuer-keys.ts';
import { productionFindings } from './domain/production-findings.ts';
import { storedFindings } from './domain/stored-findings.ts';
import { createService, IdentitySetupError } from './service.ts';
import { MIGRATIONS } from './store/migrations.ts';

export const identity = defineService({
	name: 'identity',
	keys: {},
	listeners: { public: 'identity' },
	trustReports: [getTrustReport.path],
	config: configSchema,
	migrations: MIGRATIONS,
	openMarks: () => ({}),
	publicUrls: ({ publicUrl }) => ({ public: publicUrl }),
	findings: productionFindings,
	checkup,
	storedFindings,
	refusals: exposureRefusals,
	explain: (error) =>
		error instanceof IdentitySetupError || error instanceof SigningKeyError ? error.message : undefined,
	open: createService,
});
