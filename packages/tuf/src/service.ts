/** Wires the parts of the TUF repository together. */
import { createAdminListener } from '@chancery/chassis/http/admin';
import { createListener } from '@chancery/chassis/http/listener';
import { mountStatus } from '@chancery/chassis/http/status';
import { createMetrics } from '@chancery/chassis/metrics';
import type { Service } from '@chancery/chassis/service';
import type { StoringDeps } from '@chancery/chassis/service-definition';
import type { AdoptableMarkStore } from '@chancery/postgres/mark/mark';
import { createMarkProbe } from '@chancery/postgres/mark/mark-probe';
import { getTufStatus } from '@chancery/wire/status';
import type { TufConfig } from './config.ts';
import { checkHealth } from './domain/health.ts';
import { RepositoryMark } from './domain/repository-mark.ts';
import { statusOf } from './domain/status.ts';
import { ERRORS } from './errors.ts';
import { renewalJob } from './jobs/renew.ts';
import { TUF_SERIES } from './metrics.ts';
import { mountAdmin } from './routes/admin.ts';
import { mountRepository } from './routes/repository.ts';

/** The mark remembers the newest published versions: it is what shows that the database was restored. */
export type TufServiceDeps = StoringDeps<TufConfig, 'snapshot' | 'timestamp', { readonly mark: AdoptableMarkStore }>;

/** Targets with their files in base64, and room for the metadata. */
const MAX_ADMIN_BODY_BYTES = 8 * 1024 * 1024;

/**
 * Also starts with a database that does not match its mark: it then reports that, serves nothing that could mislead, publishes
 * nothing, and recovers by itself when the two agree again.
 * @throws {MarkInUseError} while another host has the mark, {MarkPlaceError} when its place can keep none
 */
export async function createService(given: TufServiceDeps): Promise<Service> {
	const mark = new RepositoryMark(given.marks.mark, given.database, given.config.publicUrl);
	await mark.open();
	const metrics = createMetrics('tuf', { series: TUF_SERIES, database: given.database });
	metrics.onPrint(() => metrics.gauge('chancery_tuf_read_only', mark.problem === undefined ? 0 : 1));
	const { snapshot: snapshotSigner, timestamp: timestampSigner } = metrics.ofSigners(given.signers);
	const deps = { ...given, mark, metrics, snapshotSigner, timestampSigner };
	const markProbe = createMarkProbe('the TUF repository', given.marks.mark);
	metrics.ofMarks({ tuf: markProbe });
	const health = () => checkHealth(deps, markProbe.health());
	const publicListener = createListener({
		name: 'public',
		logger: deps.logger,
		errors: ERRORS,
		family: 'text',
		maxBodyBytes: 0,
		cors: true,
	});
	mountRepository(publicListener, deps);
	mountStatus(publicListener, getTufStatus, () => statusOf(deps, health));
	const admin = createAdminListener({
		name: 'admin',
		logger: deps.logger,
		tokens: deps.config.admin.tokens,
		errors: ERRORS,
		health,
		maxBodyBytes: MAX_ADMIN_BODY_BYTES,
	});
	mountAdmin(admin, deps);
	return {
		name: 'tuf',
		listeners: [
			{ name: 'public', app: publicListener },
			{ name: 'admin', app: admin },
		],
		jobs: [renewalJob(deps, deps.logger), markProbe.job],
		metrics,
		health,
		close: () => mark.close(),
	};
}
