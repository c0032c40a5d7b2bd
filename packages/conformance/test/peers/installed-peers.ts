/** Brings every server and tool of the table into the user's cache. Whoever asks for this suite asks for all of them. */
import { findPeer } from '@chancery/testkit/peers/find-peer';
import { CLUSTER_TOOLS, PROVIDERS, SERVERS, type ServerName, TOOLS } from '@chancery/testkit/peers/peer-table';
import type { TestProject } from 'vitest/node';

export type PeerName = ServerName | keyof typeof TOOLS | keyof typeof CLUSTER_TOOLS | keyof typeof PROVIDERS;

declare module 'vitest' {
	interface ProvidedContext {
		peers: Readonly<Record<PeerName, string>>;
	}
}

/** @throws {Error} that names each program that could not be had, and why */
export default async function providePeers(project: TestProject): Promise<void> {
	const paths: Record<string, string> = {};
	const missing: string[] = [];
	for (const [name, source] of Object.entries({ ...TOOLS, ...CLUSTER_TOOLS, ...PROVIDERS, ...SERVERS })) {
		const found = await findPeer(name, source);
		if ('path' in found) paths[name] = found.path;
		else missing.push(found.notRun);
	}
	if (missing.length > 0) throw new Error(`what this suite compares with could not be had:\n${missing.join('\n')}`);
	project.provide('peers', paths as Record<PeerName, string>);
}
