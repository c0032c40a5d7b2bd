/** Other projects' servers that ours can be compared with, each with the workloads that both servers accept. */

import { type InstalledSource, PROVIDERS, SERVERS, type ServerName } from '@chancery/testkit/peers/peer-table';

/** rekor-tiles no longer accepts DSSE requests, so only hashedrekord can be compared. Dex has no client credentials. */
const WORKLOADS = {
	'rekor-tiles': ['v2-hashedrekord'],
	fulcio: ['certificate'],
	'timestamp-authority': ['timestamp'],
	dex: ['token', 'exchange'],
} as const satisfies Record<ServerName | 'dex', readonly string[]>;

export type Peer = keyof typeof WORKLOADS;

export const PEERS = Object.keys(WORKLOADS) as readonly Peer[];

export function isPeer(name: string): name is Peer {
	return Object.hasOwn(WORKLOADS, name);
}

export function workloadsAgainst(peer: Peer): readonly string[] {
	return WORKLOADS[peer];
}

/** Where its program comes from. */
export function sourceOf(peer: Peer): InstalledSource {
	return { ...SERVERS, dex: PROVIDERS.dex }[peer];
}
