/** The certificate authority, for whoever starts it. */
import { defineService } from '@chancery/chassis/service-definition';
import { FormatError } from '@chancery/core/format-error';
import { getTrustReport } from '@chancery/wire/trust-report';
import { configSchema } from './config.ts';
import { checkup } from './domain/checkup.ts';
import { ChainError } from './domain/issuing-chain.ts';
import { productionFindings } from './domain/production-findings.ts';
import { createService } from './service.ts';
import { MIGRATIONS } from './store/migrations.ts';

export const ca = defineService({
	name: 'ca',
	keys: {
		issuing: {
			purpose: 'Signs certificates; the key of the first certificate of chainPem.',
			algorithm: 'ecdsa-sha2-256-nistp256',
			otherAlgorithms: ['ecdsa-sha2-384-nistp384'],
		},
	},
	listeners: { public: 'ca' },
	trustReports: [getTrustReport.path],
	config: () => configSchema,
	migrations: MIGRATIONS,
	openMarks: () => ({}),
	publicUrls: ({ publicUrl }) => ({ public: publicUrl }),
	checkup,
	findings: productionFindings,
	explain: (error) => (error instanceof ChainError || error instanceof FormatError ? error.message : undefined),
	open: createService,
});
