/** The timestamp authority, for whoever starts it. It stores nothing but its mark: the last second that stands in a token. */
import { openConfiguredMark } from '@chancery/chassis/config/mark-section';
import { defineService } from '@chancery/chassis/service-definition';
import { FormatError } from '@chancery/core/format-error';
import { getTrustReport } from '@chancery/wire/trust-report';
import { configSchema } from './config.ts';
import { AuthorityError } from './domain/authority.ts';
import { checkup } from './domain/checkup.ts';
import { productionFindings } from './domain/production-findings.ts';
import { createService } from './service.ts';

export const tsa = defineService({
	name: 'tsa',
	keys: {
		signer: {
			purpose: 'Signs timestamps; the key of the first certificate of chainPem.',
			algorithm: 'ecdsa-sha2-256-nistp256',
			otherAlgorithms: ['ecdsa-sha2-384-nistp384'],
		},
	},
	listeners: { public: 'tsa' },
	trustReports: [getTrustReport.path],
	config: configSchema,
	openMarks: (config) => ({ mark: openConfiguredMark('tsa', config, `tsa/${new URL(config.publicUrl).host}`) }),
	publicUrls: ({ publicUrl }) => ({ public: publicUrl }),
	checkup,
	findings: productionFindings,
	explain: (error) => (error instanceof AuthorityError || error instanceof FormatError ? error.message : undefined),
	open: createService,
});
