/** Makes a planned rotation happen: looks at the key file and the clock, and takes over what they say. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '@chancery/chassis/logger';
import type { Job } from '@chancery/chassis/service';
import type { LiveKeys } from '../domain/live-keys.ts';
import type { SigningJwks } from '../generate-jwks.ts';

/** Far below the time for which a key is published before it signs. */
const INTERVAL_MS = 15_000;

interface RenewDeps {
	/** What the configuration's source of the keys says now. @throws when it cannot be read or understood */
	readonly read: () => SigningJwks;
	readonly auth: LiveKeys;
	/** Absent where there are no development tokens. */
	readonly ci?: LiveKeys;
	readonly logger: Logger;
}

export function renewKeysJob(deps: RenewDeps, intervalMs: number = INTERVAL_MS): Job {
	let isFailing = false;
	return {
		name: 'renew-keys',
		async run(signal) {
			while (!signal.aborted) {
				await sleep(intervalMs, undefined, { signal }).catch((error: unknown) => {
					if (!signal.aborted) throw error;
				});
				if (signal.aborted) return;
				try {
					await renewKeys(deps);
					isFailing = false;
				} catch (err) {
					// A file that is being written, or was spoiled: the keys in use stay good. Said once.
					if (!isFailing) deps.logger.error({ err }, 'the signing keys could not be read again; those in use stay');
					isFailing = true;
				}
			}
		},
	};
}

/** @throws what `read` throws; {SigningKeyError} when what was read cannot be used. Keys then stay as they are. */
export async function renewKeys({ read, auth, ci, logger }: RenewDeps): Promise<void> {
	const jwks = read();
	for (const [keys, given] of [
		[auth, jwks.auth],
		[ci, jwks.ci],
	] as const) {
		if (!(await keys?.renew(given))) continue;
		logger.info({ keyIds: keys?.publicJwks.map(({ kid }) => kid) }, 'the signing keys of the issuer changed');
	}
}
