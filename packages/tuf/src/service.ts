/** Wires the rooms of the TUF repository together. */
import { createAdminListener } from '@chancery/chassis/admin';
import { createListener } from '@chancery/chassis/listener';
import type { Service, ServiceDeps } from '@chancery/chassis/service';
import type { Signer } from '@chancery/keys/signer';
import type { TufConfig } from './config.ts';
import { checkHealth } from './domain/health.ts';
import { ERRORS } from './errors.ts';
import { renewalJob } from './jobs/renew.ts';
import { mountAdmin } from './routes/admin.ts';
import { mountRepository } from './routes/repository.ts';

export interface TufServiceDeps extends ServiceDeps<TufConfig> {
	readonly snapshotSigner: Signer;
	readonly timestampSigner: Signer;
}

/** Targets with their files in base64, and room for the metadata. */
const MAX_ADMIN_BODY_BYTES = 8 * 1024 * 1024;

export async function createService(deps: TufServiceDeps): Promise<Service> {
	const health = () => checkHealth(deps);
	const publicListener = createListener({
		name: 'public',
		log: deps.log,
		errors: ERRORS,
		family: 'text',
		maxBodyBytes: 0,
		cors: true,
	});
	mountRepository(publicListener, deps);
	const admin = createAdminListener({
		name: 'admin',
		log: deps.log,
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
		jobs: [renewalJob(deps, deps.log)],
		health,
		close: async () => undefined,
	};
}
