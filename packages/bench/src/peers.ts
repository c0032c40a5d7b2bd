/** Other projects' servers that ours can be compared with, each with the workload that both servers accept. */

import type { ServerName } from '@chancery/testkit/peers/peer-table';

/** rekor-tiles no longer accepts DSSE requests, so only hashedrekord can be compared. */
const WORKLOADS = {
	'rekor-tiles': 'v2-hashedrekord',
	fulcio: 'certificate',
	'timestamp-authority': 'timestamp',
} as const satisfies Record<ServerName, string>;

export type Peer = keyof typeof WORKLOADS;

export const PEERS = Object.keys(WORKLOADS) as readonly Peer[];

export function isPeer(name: string): name is Peer {
	return Object.hasOwn(WORKLOADS, name);
}

export function workloadAgainst(peer: Peer): string {
	return WORKLOADS[peer];
}
