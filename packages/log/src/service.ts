/**
 * The signature log as a service: two wires over two logs in one schema, and an admin listener. Only wiring.
 */

import { DomainError } from '@chancery/chassis/domain-error';
import { createAdminListener } from '@chancery/chassis/http/admin';
import { refuseAsDomainError } from '@chancery/chassis/http/check-refusals';
import { createListener } from '@chancery/chassis/http/listener';
import { mountStatus } from '@chancery/chassis/http/status';
import { createMetrics } from '@chancery/chassis/metrics';
import type { Service } from '@chancery/chassis/service';
import type { StoringDeps } from '@chancery/chassis/service-definition';
import { createSignatureChecks } from '@chancery/keys/checks/signature-checks';
import { openS3Store } from '@chancery/net/object-store/s3-store';
import type { MarkStore } from '@chancery/postgres/mark/mark';
import { createMarkProbe } from '@chancery/postgres/mark/mark-probe';
import { ENGINE_SERIES } from '@chancery/tlog/engine-metrics';
import { createExporter, type Exporter } from '@chancery/tlog/export/export-job';
import { openFolderStore } from '@chancery/tlog/export/folder-store';
import { expectedMode } from '@chancery/tlog/log-mode';
import { getSignatureLogStatus } from '@chancery/wire/status';
import type { LogConfig } from './config.ts';
import { healthOf } from './domain/health.ts';
import { openLogs } from './domain/open-logs.ts';
import { seedLog } from './domain/seed-entry.ts';
import type { SignatureLogV1, SignatureLogV2 } from './domain/signature-log.ts';
import { statusOf } from './domain/status.ts';
import { V1_ERRORS, V2_ERRORS } from './errors.ts';
import { LOG_SERIES } from './metrics.ts';
import { mountTrust } from './routes/trust.ts';
import { mountV1Entries } from './routes/v1-entries.ts';
import { mountV1Index } from './routes/v1-index.ts';
import { mountV1Log } from './routes/v1-log.ts';
import { mountV2Entries } from './routes/v2-entries.ts';
import { mountV2Tiles } from './routes/v2-tiles.ts';
import { SCHEMA } from './store/migrations.ts';

/** Each mark remembers the last published checkpoint of its log. */
export type LogDeps = StoringDeps<LogConfig, 'v1' | 'v2', { readonly v1: MarkStore; readonly v2: MarkStore }>;

/** Submissions wait for publication, so many are under way at once; the queues behind have bounds of their own. */
const MAX_IN_FLIGHT = 8_192;

/**
 * Opens both logs, which must have been created (`domain/create-logs`), and seeds the v1 tree when it is empty.
 * @throws {TlogError} when the stored logs are others than configured
 * @throws {KeyError} when the configured backend for digests is not offered here
 */
export async function createService(deps: LogDeps): Promise<Service> {
	const { config, database, clock } = deps;
	const checks = createSignatureChecks({
		maxQueuedMs: config.maxQueuedCheckMs,
		...(config.digestBackend === 'auto' ? {} : { backend: config.digestBackend }),
		...(config.checkThreads === 'auto' ? {} : { threads: config.checkThreads }),
	});
	const checkSignature = refuseAsDomainError(checks);
	const metrics = createMetrics('log', { series: LOG_SERIES, database, checks });
	const mode = await expectedMode(database, SCHEMA, deps.profile);
	const signers = metrics.ofSigners(deps.signers);
	const { v1, v2 } = await openLogs({
		...deps,
		mode,
		v1Signer: signers.v1,
		v2Signer: signers.v2,
		engineMetrics: (log) => metrics.ofLog(ENGINE_SERIES, log),
	});
	const close = async () => {
		await Promise.all([v1.log.close(), v2.log.close(), checks.close()]);
	};
	try {
		const seed = () => seedLog(v1, checkSignature);
		// A log that cannot grow now still starts, is unready, and says why; the job below tries again.
		await seed().catch((error: unknown) => {
			if (!(error instanceof DomainError)) throw error;
			deps.logger.error({ err: error }, 'the v1 log could not be seeded');
		});
		const exporters = createExporters(deps, { v1, v2 });
		const probes = {
			v1: createMarkProbe('the v1 log', deps.marks.v1),
			v2: createMarkProbe('the v2 log', deps.marks.v2),
		};
		metrics.ofMarks(probes);
		const health = async () =>
			healthOf({
				v1: v1.log,
				v2: v2.log,
				marks: { v1: probes.v1.health(), v2: probes.v2.health() },
				checks,
				maxQueuedMs: config.maxQueuedCheckMs,
				exporters,
			});
		const writing = { checkSignature, duplicateStatus: config.duplicateStatus, metrics };

		const v1App = createListener({
			name: 'v1',
			logger: deps.logger,
			errors: V1_ERRORS,
			family: 'code-message',
			maxBodyBytes: config.v1.maxBodyBytes,
			maxInFlight: MAX_IN_FLIGHT,
			cors: true,
			pathCleaning: 'all-slashes',
		});
		mountV1Entries(v1App, { v1, ...writing });
		mountV1Log(v1App, v1);
		mountV1Index(v1App, { v1, metrics });
		mountStatus(v1App, getSignatureLogStatus, async () =>
			statusOf(v1, { apiVersion: 1, mode, nowMs: clock(), mark: probes.v1.health() }),
		);

		const v2App = createListener({
			name: 'v2',
			logger: deps.logger,
			errors: V2_ERRORS,
			family: 'grpc-gateway',
			maxBodyBytes: config.v2.maxBodyBytes,
			maxInFlight: MAX_IN_FLIGHT,
			cors: true,
		});
		mountV2Entries(v2App, { v2, ...writing });
		mountV2Tiles(v2App, v2);
		mountStatus(v2App, getSignatureLogStatus, async () =>
			statusOf(v2, { apiVersion: 2, mode, nowMs: clock(), mark: probes.v2.health() }),
		);

		const adminApp = createAdminListener({ name: 'admin', logger: deps.logger, tokens: config.admin.tokens, health });
		mountTrust(adminApp, {
			v1: { ...v1, publicUrl: config.v1.publicUrl, majorApiVersion: 1, createdAt: v1.log.createdAt },
			v2: { ...v2, publicUrl: config.v2.publicUrl, majorApiVersion: 2, createdAt: v2.log.createdAt },
			clock,
		});

		return {
			name: 'log',
			listeners: [
				{ name: 'v1', app: v1App },
				{ name: 'v2', app: v2App },
				{ name: 'admin', app: adminApp },
			],
			jobs: [
				v1.log.heartbeat,
				v2.log.heartbeat,
				probes.v1.job,
				probes.v2.job,
				{ name: 'seed of the v1 log', run: seed },
				...Object.values(exporters).map((exporter) => exporter.job),
			],
			metrics,
			health,
			close,
		};
	} catch (error) {
		await close();
		throw error;
	}
}

/** An exporter for each log that the configuration gives a place. */
function createExporters(
	{ config, logger }: LogDeps,
	logs: { readonly v1: SignatureLogV1; readonly v2: SignatureLogV2 },
): Record<string, Exporter> {
	const exporters: Record<string, Exporter> = {};
	for (const wire of ['v1', 'v2'] as const) {
		const target = config[wire].export;
		if (!target) continue;
		const { log: engine, statement } = logs[wire];
		exporters[wire] = createExporter({
			name: `export of the ${wire} log`,
			log: engine,
			origin: statement.origin,
			bundles: 'entries',
			store: target.kind === 'folder' ? openFolderStore(target.path) : openS3Store(target),
			intervalSeconds: target.intervalSeconds,
			logger,
		});
	}
	return exporters;
}
