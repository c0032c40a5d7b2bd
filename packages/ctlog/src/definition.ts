/** The certificate transparency log, for whoever starts it. */
import { openConfiguredMark } from '@chancery/chassis/config/mark-section';
import { developmentLogFindings } from '@chancery/chassis/config/process-findings';
import { defineService } from '@chancery/chassis/service-definition';
import { explainIdentityError } from '@chancery/tlog/log-identity';
import { developmentLogs } from '@chancery/tlog/log-mode';
import { getTrustReport } from '@chancery/wire/trust-report';
import { configSchema } from './config.ts';
import { createCtlog } from './domain/log-identity.ts';
import { productionFindings } from './domain/production-findings.ts';
import { LogKeyError, requireLogKey } from './domain/sct.ts';
import { createService } from './service.ts';
import { MIGRATIONS, SCHEMA } from './store/migrations.ts';

export const ctlog = defineService({
	name: 'ctlog',
	keys: {
		signer: { purpose: 'Signs SCTs and tree heads; RFC 6962 wants P-256.', algorithm: 'ecdsa-sha2-256-nistp256' },
	},
	listeners: { public: 'ctlog' },
	trustReports: [getTrustReport.path],
	config: configSchema,
	migrations: MIGRATIONS,
	openMarks: (config) => ({ mark: openConfiguredMark('ctlog', config, markName(config.publicUrl)) }),
	publicUrls: ({ publicUrl }) => ({ public: publicUrl }),
	folders: ({ export: place }) => (place?.kind === 'folder' ? { export: place.path } : {}),
	findings: productionFindings,
	storedFindings: async (database) => developmentLogFindings(await developmentLogs(database, SCHEMA)),
	explain: (error) => (error instanceof LogKeyError ? error.message : explainIdentityError(error)),
	createLogs: async ({ database, config, profile: mode, signers: { signer } }) => {
		requireLogKey(signer);
		const outcome = await createCtlog(database, { ...config, mode }, signer.publicKey);
		return [{ log: 'ctlog', isNew: outcome === 'created' }];
	},
	open: createService,
});

/** The same in all processes of one log, and in no other. */
function markName(publicUrl: string): string {
	const { host, pathname } = new URL(publicUrl);
	return `ctlog/${host}${pathname.replace(/\/$/, '')}`;
}
