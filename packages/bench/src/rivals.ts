/** The servers that ours can be compared with, each with the workload that both sides accept. */

import type { ServerName } from '@chancery/testkit/peers/peer-table';

/** rekor-tiles no longer takes DSSE requests, so that hashedrekord is what is left. */
const WORKLOADS = {
	'rekor-tiles': 'v2-hashedrekord',
	fulcio: 'certificate',
	'timestamp-authority': 'timestamp',
} as const satisfies Record<ServerName, string>;

export type Rival = keyof typeof WORKLOADS;

export const RIVALS = Object.keys(WORKLOADS) as readonly Rival[];

export function isRival(name: string): name is Rival {
	return Object.hasOwn(WORKLOADS, name);
}

export function workloadAgainst(rival: Rival): string {
	return WORKLOADS[rival];
}
