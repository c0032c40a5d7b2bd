/**
 * Looks at every provider now and then, so that the details of `/readyz` are of now, and whoever signs in does not wait for a
 * discovery document. Nothing depends on it.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Job } from '@chancery/chassis/service';
import type { Connector } from '../connectors/connector.ts';

const INTERVAL_MS = 5 * 60_000;
/** A provider that did not answer is looked at again sooner. */
const RETRY_MS = 30_000;

export function renewConnectorsJob(connectors: readonly Pick<Connector, 'renew' | 'state'>[]): Job {
	return {
		name: 'renew-connectors',
		async run(signal) {
			while (!signal.aborted) {
				await Promise.all(connectors.map((connector) => connector.renew()));
				const pauseMs = connectors.every((connector) => connector.state().ok) ? INTERVAL_MS : RETRY_MS;
				await sleep(pauseMs, undefined, { signal }).catch((error: unknown) => {
					if (!signal.aborted) throw error;
				});
			}
		},
	};
}
