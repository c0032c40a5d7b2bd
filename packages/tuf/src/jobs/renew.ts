/**
 * Compares the repository with its mark, and renews snapshot and timestamp before they expire. Every replica may run it: the
 * version decides which one publishes, and the others find nothing to do.
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
				try {
					const roles = await renewOnlineMetadata(deps);
					if (roles.length > 0) logger.info({ roles }, 'renewed');
				} catch (error) {
					if (!(error instanceof DomainError)) throw error;
					// Checked again in a minute; until then /readyz reports it.
					if (error.code === 'repository-read-only') logger.warn({ detail: error.detail }, 'nothing may be published');
					// Another replica was faster.
					else if (error.code !== 'wrong-version') throw error;
				}
				// What is measured must not keep anything from being renewed.
				await gaugeVersions(deps).catch((error: unknown) =>
					logger.warn({ err: error }, 'the versions are not measured'),
				);
				await sleep(CHECK_EVERY_MS, undefined, { signal }).catch(() => undefined);
			}
		},
	};
}
