/** The signature log, for whoever starts it: two logs, each with a key and a mark. */
import { openConfiguredMarks } from '@chancery/chassis/config/mark-section';
import { developmentLogFindings } from '@chancery/chassis/config/process-findings';
import { defineService } from '@chancery/chassis/service-definition';
import { explainIdentityError } from '@chancery/tlog/log-identity';
import { developmentLogs } from '@chancery/tlog/log-mode';
import { getTrustReportV1 } from '@chancery/wire/rekor-v1';
import { getTrustReportV2 } from '@chancery/wire/rekor-v2';
import { LogKeyError } from './checkpoint-note.ts';
import { configSchema, type LogConfig } from './config.ts';
import { createLogs } from './domain/create-logs.ts';
import { productionFindings } from './domain/production-findings.ts';
import { createService } from './service.ts';
import { MIGRATIONS, SCHEMA } from './store/migrations.ts';

export const log = defineService({
	name: 'log',
	keys: {
		v1: { purpose: 'Signs SETs and checkpoints of the v1 log.', algorithm: 'ecdsa-sha2-256-nistp256' },
		// Tiles and witnesses need it.
		v2: { purpose: 'Signs checkpoints of the v2 log.', algorithm: 'ed25519' },
	},
	listeners: { v1: 'log', v2: 'log2' },
	trustReports: [getTrustReportV1.path, getTrustReportV2.path],
	config: configSchema,
	migrations: MIGRATIONS,
	openMarks,
	publicUrls: ({ v1, v2 }) => ({ v1: v1.publicUrl, v2: v2.publicUrl }),
	folders: ({ v1, v2 }) => ({ ...folderOf('v1', v1), ...folderOf('v2', v2) }),
	findings: productionFindings,
	storedFindings: async (database) => developmentLogFindings(await developmentLogs(database, SCHEMA)),
	explain: (error) => (error instanceof LogKeyError ? error.message : explainIdentityError(error)),
	createLogs: async ({ database, config, profile: mode, signers }) => {
		const outcomes = await createLogs({ database, config, mode, v1Signer: signers.v1, v2Signer: signers.v2 });
		return Object.entries(outcomes).map(([name, outcome]) => ({ log: name, isNew: outcome === 'created' }));
	},
	open: createService,
});

/** Files, or what several hosts share. */
function openMarks({ markFiles, v1, v2, ...places }: LogConfig) {
	return openConfiguredMarks('log', { field: 'markFiles', paths: markFiles }, places, {
		v1: `rekor-v1/${v1.hostname}/${v1.treeId}`,
		v2: `rekor-v2/${v2.origin}`,
	});
}

function folderOf(log: 'v1' | 'v2', { export: place }: LogConfig['v1'] | LogConfig['v2']) {
	return place?.kind === 'folder' ? { [`export of ${log}`]: place.path } : {};
}
