/** What the logs of an instance say at one moment, and whether what they say later continues it. Read over the wire. */
import { readFile } from 'node:fs/promises';
import { equalBytes, fromBase64, fromHex, utf8 } from '@chancery/core/bytes';
import { parseCheckpoint } from '@chancery/core/checkpoint';
import { type Hash, hashLeaf, rootOf } from '@chancery/core/merkle';
import { parseNote } from '@chancery/core/note';
import { checkConsistency } from '@chancery/core/proof';
import { parseBundle, tilePath } from '@chancery/core/tile';
import type { InstanceFile } from './instance.ts';

interface Head {
	readonly size: number;
	readonly root: Hash;
}

/** An instance as it must be found again. */
export interface History {
	readonly rootSha256: string;
	/** Every key and certificate of the instance, as clients trust it. */
	readonly trustedRoot: string;
	readonly publicKey: string;
	readonly treeId: string;
	readonly v1: Head;
	readonly v2: Head;
	readonly ctlog: Head;
	/** UUID and body of the newest entry of the v1 log. */
	readonly newest: readonly [uuid: string, entry: object];
	/** All leaves of the v2 log, whose first bundle is not full yet. */
	readonly v2Leaves: readonly Uint8Array[];
}

interface V1Info {
	readonly treeSize: number;
	readonly rootHash: string;
	readonly treeID: string;
	readonly signedTreeHead: string;
}

const urlOf = (instance: InstanceFile, service: string) => instance.services[service]?.url as string;

export async function readHistory(instance: InstanceFile): Promise<History> {
	const log = urlOf(instance, 'log');
	const info = await getJson<V1Info>(`${log}/api/v1/log`);
	const v1 = headOf(info.signedTreeHead);
	const ctHead = await getJson<{ tree_size: number; sha256_root_hash: string }>(
		`${urlOf(instance, 'ctlog')}/ct/v1/get-sth`,
	);
	const v2 = headOf(await getText(`${urlOf(instance, 'log2')}/checkpoint`));
	const [newest] = Object.entries(
		await getJson<Record<string, object>>(`${log}/api/v1/log/entries?logIndex=${v1.size - 1}`),
	);
	if (!newest) throw new Error('the v1 log does not have its newest entry');
	return {
		rootSha256: instance.root.sha256,
		trustedRoot: await readFile(instance.trustedRoot, 'utf8'),
		publicKey: await getText(`${log}/api/v1/log/publicKey`),
		treeId: info.treeID,
		v1,
		v2,
		ctlog: { size: ctHead.tree_size, root: fromBase64(ctHead.sha256_root_hash) },
		newest,
		v2Leaves: await readLeaves(instance, v2.size),
	};
}

/** Checks by proofs and by the leaves themselves that the logs of `now` are those of `before`, grown or not. */
export async function checkContinues(before: History, instance: InstanceFile): Promise<History> {
	const now = await readHistory(instance);
	for (const name of ['rootSha256', 'trustedRoot', 'publicKey', 'treeId'] as const)
		if (now[name] !== before[name]) throw new Error(`another ${name}:\n${before[name]}\n${now[name]}`);

	const log = urlOf(instance, 'log');
	const range = `firstSize=${before.v1.size}&lastSize=${now.v1.size}`;
	const { hashes } = await getJson<{ hashes: string[] }>(`${log}/api/v1/log/proof?${range}`);
	checkGrowth(before.v1, now.v1, hashes.map(fromHex));

	const ctRange = `first=${before.ctlog.size}&second=${now.ctlog.size}`;
	const { consistency } = await getJson<{ consistency: string[] }>(
		`${urlOf(instance, 'ctlog')}/ct/v1/get-sth-consistency?${ctRange}`,
	);
	checkGrowth(before.ctlog, now.ctlog, consistency.map(fromBase64));

	// The v2 log answers no proofs: clients hash the leaves.
	for (const head of [before.v2, now.v2]) {
		const root = rootOf(now.v2Leaves.slice(0, head.size).map(hashLeaf));
		if (!equalBytes(root, head.root)) throw new Error(`the v2 log has another root at size ${head.size}`);
	}
	for (const [index, leaf] of before.v2Leaves.entries())
		if (!equalBytes(leaf, now.v2Leaves[index] ?? utf8(''))) throw new Error(`entry ${index} of the v2 log changed`);

	await checkEntry(log, before.newest);
	return now;
}

function checkGrowth(from: Head, to: Head, proof: Hash[]): void {
	checkConsistency({ first: from.size, second: to.size, firstRoot: from.root, secondRoot: to.root, proof });
}

/** The entry is where it was, and says what it said. Its proof may be a newer one. */
async function checkEntry(log: string, [uuid, entry]: History['newest']): Promise<void> {
	const reply = await getJson<Record<string, object>>(`${log}/api/v1/log/entries/${uuid}`);
	const withoutProof = (of: object | undefined) => {
		const { verification, ...said } = of as { verification: { signedEntryTimestamp: string } };
		return JSON.stringify([said, verification.signedEntryTimestamp]);
	};
	if (withoutProof(reply[uuid]) !== withoutProof(entry)) throw new Error(`entry ${uuid} changed`);
}

function headOf(note: string): Head {
	const { size, root } = parseCheckpoint(parseNote(note).text);
	return { size, root };
}

async function readLeaves(instance: InstanceFile, size: number): Promise<Uint8Array[]> {
	const path = tilePath({ level: 'entries', index: 0, width: size });
	return parseBundle(await getBytes(`${urlOf(instance, 'log2')}/${path}`));
}

async function getBytes(url: string): Promise<Uint8Array> {
	const response = await fetch(url);
	if (!response.ok) throw new Error(`${url}: ${response.status} ${await response.text()}`);
	return new Uint8Array(await response.arrayBuffer());
}

async function getText(url: string): Promise<string> {
	return new TextDecoder().decode(await getBytes(url));
}

async function getJson<T>(url: string): Promise<T> {
	return JSON.parse(await getText(url)) as T;
}
