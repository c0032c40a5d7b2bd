/**
 * Compares the repository with its mark, and keeps snapshot and timestamp from expiring. Every replica may run it: the version decides who publishes, the others
 * find the work done.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { DomainError } from '@chancery/chassis/domain-error';
import type { Logger } from '@chancery/chassis/logger';
import type { Job } from '@chancery/chassis/service';
import { gaugeVersions, renewOnlineMetadata, type TufDeps } from '../domain/publish.ts';

const CHECK_EVERY_MS = 60_000;

export function renewalJob(deps: TufDeps, logger: Logger): Job {
	return {
		name: 'renew-online-metadata',
		async run(signal) {
			while (!signal.aborted) {
				await gaugeVersions(deps);
				try {
					const roles = await renewOnlineMetadata(deps);
					if (roles.length > 0) logger.info({ roles }, 'renewed');
				} catch (error) {
					if (!(error instanceof DomainError)) throw error;
					// Looked at again in a minute, and reported by /readyz until it is well.
					if (error.code === 'repository-read-only') logger.warn({ detail: error.detail }, 'nothing may be published');
					// Another replica was faster.
					else if (error.code !== 'wrong-version') throw error;
				}
				await sleep(CHECK_EVERY_MS, undefined, { signal }).catch(() => undefined);
			}
		},
	};
}
