/** The TUF repository, for whoever starts it. Root and targets keys are keyholders' and never a server's. */
import { markFindings, openConfiguredMark } from '@chancery/chassis/config/mark-section';
import { callFindings, publicUrlFindings } from '@chancery/chassis/config/process-findings';
import { defineService } from '@chancery/chassis/service-definition';
import { configSchema } from './config.ts';
import { checkup } from './domain/checkup.ts';
import { createService } from './service.ts';
import { MIGRATIONS } from './store/migrations.ts';

export const tuf = defineService({
	name: 'tuf',
	keys: {
		snapshot: {
			purpose: 'Signs snapshot metadata.',
			algorithm: 'ed25519',
			otherAlgorithms: ['ecdsa-sha2-256-nistp256'],
		},
		timestamp: {
			purpose: 'Signs timestamp metadata.',
			algorithm: 'ed25519',
			otherAlgorithms: ['ecdsa-sha2-256-nistp256'],
		},
	},
	listeners: { public: 'tuf' },
	trustReports: [],
	config: configSchema,
	migrations: MIGRATIONS,
	openMarks: (config) => ({ mark: openConfiguredMark('tuf', config, markName(config.publicUrl)) }),
	publicUrls: ({ publicUrl }) => ({ public: publicUrl.replace(/\/+$/, '') }),
	checkup,
	findings: ({ publicUrl, services, ...places }) => [
		...publicUrlFindings('tuf.publicUrl', publicUrl),
		...services.flatMap(({ trustReportUrl }, i) => callFindings(`tuf.services.${i}.trustReportUrl`, trustReportUrl)),
		...markFindings('tuf', places),
	],
	open: createService,
});

/** The same in all replicas of one repository, and in no other. */
function markName(publicUrl: string): string {
	const { host, pathname } = new URL(publicUrl);
	return `tuf/${host}${pathname.replace(/\/+$/, '')}`;
}
