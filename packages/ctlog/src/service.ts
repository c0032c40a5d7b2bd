/** The certificate transparency log as a service: its parts wired together. */
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
import { createExporter } from '@chancery/tlog/export/export-job';
import { openFolderStore } from '@chancery/tlog/export/folder-store';
import { openLog } from '@chancery/tlog/log';
import { expectedMode } from '@chancery/tlog/log-mode';
import { getCtLogStatus } from '@chancery/wire/status';
import type { CtlogConfig } from './config.ts';
import { createAcceptedRoots } from './domain/accepted-roots.ts';
import { ENGINE_WITHIN_MS } from './domain/answer-in-time.ts';
import { healthOf } from './domain/health.ts';
import { createIssuers } from './domain/issuers.ts';
import { logIdentityOf } from './domain/log-identity.ts';
import { logIdOf, requireLogKey, signSct } from './domain/sct.ts';
import { statusOf } from './domain/status.ts';
import { parseTreeHead, signTreeHead } from './domain/tree-head.ts';
import { describeLog, reportTrust } from './domain/trust.ts';
import { CTLOG_ERRORS } from './errors.ts';
import { CTLOG_SERIES } from './metrics.ts';
import { mountAddChain } from './routes/add-chain.ts';
import { mountDescription, mountTrust } from './routes/description.ts';
import { mountEntries } from './routes/entries.ts';
import { mountRootAdministration, mountRoots } from './routes/roots.ts';
import { mountTiles } from './routes/tiles.ts';
import { mountTreeHead } from './routes/tree-head.ts';
import { firstStart } from './store/log-start.ts';
import { SCHEMA } from './store/migrations.ts';

/** The mark remembers the last published tree head. */
export type CtlogDeps = StoringDeps<CtlogConfig, 'signer', { readonly mark: MarkStore }>;

/**
 * Opens the log in a migrated database.
 * @throws {LogKeyError} for a key that clients cannot verify; TlogError when the stored log is another one
 */
export async function createService(deps: CtlogDeps): Promise<Service> {
	const { config, database, clock } = deps;
	const mode = await expectedMode(database, SCHEMA, deps.profile);
	requireLogKey(deps.signers.signer);
	const identity = logIdentityOf({ ...config, mode }, deps.signers.signer.publicKey);
	const checks = createSignatureChecks({
		maxQueuedMs: config.maxQueuedCheckMs,
		...(config.checkThreads === 'auto' ? {} : { threads: config.checkThreads }),
	});
	const check = refuseAsDomainError(checks);
	const metrics = createMetrics('ctlog', { series: CTLOG_SERIES, database, checks });
	const { signer } = metrics.ofSigners(deps.signers);
	metrics.gauge('chancery_ctlog_max_merge_delay_seconds', config.mmdSeconds);
	const log = await openLog({
		database,
		schema: SCHEMA,
		identity,
		mark: deps.marks.mark,
		clock,
		signHead: (head) => signTreeHead(signer, identity.origin, head),
		signReceipt: ({ leaf }) => signSct(signer, leaf),
		limits: { heartbeatMs: heartbeatMs(config.mmdSeconds), submitTimeoutMs: ENGINE_WITHIN_MS },
		logger: deps.logger,
		metrics: metrics.ofLog(ENGINE_SERIES, 'ctlog'),
	});
	const close = async () => {
		await Promise.all([log.close(), checks.close()]);
	};
	try {
		const validForStart = await firstStart(database, signer.publicKey, new Date(clock()));
		const roots = createAcceptedRoots(database, clock, check);
		const issuers = createIssuers(database);
		const exporter =
			config.export &&
			createExporter({
				name: 'export of the CT log',
				log,
				origin: identity.origin,
				bundles: 'data',
				// An issuer is stored before its entry is, so those of a published tree are all there.
				companions: () => issuers.resources(),
				isNewer: (next, shown) => parseTreeHead(next).timestampMs > parseTreeHead(shown).timestampMs,
				store: config.export.kind === 'folder' ? openFolderStore(config.export.path) : openS3Store(config.export),
				intervalSeconds: config.export.intervalSeconds,
				logger: deps.logger,
			});
		const markProbe = createMarkProbe('the CT log', deps.marks.mark);
		metrics.ofMarks({ ctlog: markProbe });
		const health = async () => healthOf({ log, nowMs: clock(), config, checks, exporter, mark: markProbe.health() });

		const publicApp = createListener({
			name: 'public',
			logger: deps.logger,
			errors: CTLOG_ERRORS,
			family: 'text',
			maxBodyBytes: config.maxBodyBytes,
			cors: true,
		});
		mountAddChain(publicApp, { log, roots, issuers, metrics });
		mountTreeHead(publicApp, log);
		mountEntries(publicApp, log, { maxEntries: config.maxEntriesPerReply, maxBytes: config.maxBytesPerReply });
		mountTiles(publicApp, log, issuers);
		mountRoots(publicApp, roots);
		mountDescription(publicApp, describeLog(signer, config));
		const { mmdSeconds } = config;
		mountStatus(publicApp, getCtLogStatus, async () => {
			const { ready } = await health();
			return statusOf({ log, ready, identity, logId: logIdOf(signer), mmdSeconds, nowMs: clock() });
		});

		const adminApp = createAdminListener({
			name: 'admin',
			logger: deps.logger,
			tokens: config.admin.tokens,
			health,
			errors: CTLOG_ERRORS,
		});
		mountRootAdministration(adminApp, { database, clock, roots, check, logger: deps.logger });
		mountTrust(adminApp, () => reportTrust(signer, { publicUrl: config.publicUrl, validForStart, clock }));

		return {
			name: 'ctlog',
			listeners: [
				{ name: 'public', app: publicApp },
				{ name: 'admin', app: adminApp },
			],
			jobs: [log.heartbeat, markProbe.job, ...(exporter ? [exporter.job] : [])],
			metrics,
			health,
			close,
		};
	} catch (error) {
		await close();
		throw error;
	}
}

/** Often enough that a few missed heartbeats do not break the promise, and that readers see a living log. */
function heartbeatMs(mmdSeconds: number): number {
	return Math.min(10 * 60_000, (mmdSeconds * 1000) / 4);
}
