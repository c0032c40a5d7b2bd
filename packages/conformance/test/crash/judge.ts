/**
 * Compares what the logs hold with everything that clients were told. Reads over HTTP like any auditor and shares no code
 * with the engine: `naive-tree.ts` does the hashing, `signed-trees.ts` the signatures.
 *
 * A look is incremental, so that a thousand of them stay affordable: each entry is read, once, in the first look after
 * it came; its proof, its SET and its place are checked against what was promised; and the root over all entries ever
 * read is compared with the newest checkpoint, which commits the log to every one of them. Beside that a sample of
 * older entries is read again in each look, and `createJudge` anew reads the whole log from its first entry.
 */
import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SeededRandom } from '@chancery/testkit/seeded-random';
import { checkV1Entry, type Reader } from './answers.ts';
import type { HttpClient, Reply } from './http-client.ts';
import type { Acknowledgement, Ledger } from './ledger.ts';
import { isConsistent, isIncluded, leafHashOf, NaiveTree } from './naive-tree.ts';
import { LOG_NAMES, type LogName } from './proposals.ts';
import { openTreeHead, type SignedTree, type V1Entry, Violation } from './signed-trees.ts';
import { hashTilePaths, parseEntryBundle, tilePathOf } from './tile-layout.ts';

export interface JudgeOptions {
	readonly urls: Readonly<Record<LogName, string>>;
	readonly client: HttpClient;
	readonly reader: Reader;
	readonly random: SeededRandom;
	/** True: everything that was ever promised is looked up; false: what is new since the last look, and a sample. */
	readonly everything?: boolean;
	/** One of several replicas may show a tree that is older by this much than what another one has shown. */
	readonly lagMs?: number;
}

export interface Judge {
	/** One look at all three logs. @throws {Violation} */
	look(): Promise<void>;
	readonly sizes: Readonly<Record<LogName, number>>;
	/** Trees that were compared with the entries, and entries that were read. */
	readonly counts: { trees: number; entries: number; proofs: number };
}

const WAIT_MS = 300_000;
/** Long: on a busy machine 256 writers are before us, and giving up only makes the queue longer. */
const TIMEOUT_MS = 90_000;
const RETRY_MS = 20;
const SAMPLE = 12;
const V1_PER_REQUEST = 10;
const V1_AT_ONCE = 8;
const CT_PER_REQUEST = 1_000;
const WIDTH = 256;

/** The log as read so far. */
interface Audited {
	readonly tree: NaiveTree;
	/** Index by leaf hash in hex. */
	readonly indexes: Map<string, number>;
	/** What makes an entry the same entry: in CT the leaf without its time. */
	readonly identities: Set<string>;
}

export function createJudge(options: JudgeOptions): Judge {
	const { urls, client, reader, random } = options;
	const audited = Object.fromEntries(
		LOG_NAMES.map((name) => [name, { tree: new NaiveTree(), indexes: new Map(), identities: new Set() }]),
	) as unknown as Record<LogName, Audited>;
	const counts = { trees: 0, entries: 0, proofs: 0 };

	async function ask(url: string, body?: string): Promise<Buffer> {
		const deadline = performance.now() + WAIT_MS;
		for (;;) {
			let reply: Reply | undefined;
			try {
				reply = await client.ask(url, { timeoutMs: TIMEOUT_MS, ...(body === undefined ? {} : { body }) });
			} catch (error) {
				if (performance.now() > deadline) throw new Violation(`${url} cannot be read: ${error}`);
			}
			if (reply?.status === 200) return reply.body;
			if (reply && reply.status !== 503 && reply.status !== 429)
				throw new Violation(`${url} answers ${reply.status}: ${reply.body.toString().slice(0, 500)}`);
			if (performance.now() > deadline) throw new Violation(`${url} cannot be read: ${reply?.body}`);
			await sleep(RETRY_MS);
		}
	}
	const askJson = async <T>(url: string, body?: string) => JSON.parse((await ask(url, body)).toString()) as T;

	/** The head that `read` answers; of a replica the first one that is as large as what clients have seen, if it comes in time. */
	async function headOf<T extends { size: number }>(ledger: Ledger, read: () => Promise<T>): Promise<T> {
		const largest = ledger.largest;
		const deadline = performance.now() + (options.lagMs ?? 0);
		for (;;) {
			const head = await read();
			if (head.size >= largest || performance.now() >= deadline) return head;
			await sleep(RETRY_MS);
		}
	}

	/** Takes the next entry in; its place in the tree is the order of the calls. */
	function append(name: LogName, leaf: Buffer, identity: string): string {
		const { tree, indexes, identities } = audited[name];
		const hash = leafHashOf(leaf);
		const leafHash = hash.toString('hex');
		if (identities.has(identity)) throw new Violation(`${name}: entry ${tree.size} is in the log for the second time`);
		identities.add(identity);
		indexes.set(leafHash, tree.size);
		tree.append(hash);
		counts.entries += 1;
		return leafHash;
	}

	/** Every promise that is due, against the entries as read; and every signed tree that they reach. */
	function settle(name: LogName, head: SignedTree, promises: readonly Acknowledgement[], largestBefore: number): void {
		const { tree, indexes } = audited[name];
		const ledger: Ledger = reader.ledgers[name];
		if (head.size < largestBefore)
			throw new Violation(`${name}: the tree has ${head.size} leaves, a client has seen ${largestBefore}`);
		for (const promise of promises) {
			const index = indexes.get(promise.leafHash);
			if (index === undefined || index >= head.size)
				throw new Violation(`${name}: LOST: ${JSON.stringify(promise)} was acknowledged and is not in the log`);
			if (promise.index !== undefined && promise.index !== index)
				throw new Violation(`${name}: entry ${promise.leafHash} was promised ${promise.index} and is at ${index}`);
		}
		const trees = options.everything ? ledger.allTrees() : [...ledger.takeTrees(tree.size), head];
		for (const { size, root } of trees) {
			if (size > tree.size) continue;
			counts.trees += 1;
			const own = tree.rootAt(size).toString('hex');
			if (own !== root)
				throw new Violation(`${name}: FORK: size ${size} was signed with root ${root}, its entries make ${own}`);
		}
	}

	const due = (ledger: Ledger) => (options.everything ? [...ledger.acknowledged] : ledger.takeAcknowledged());

	/** A few entries from before, for reading them again. */
	const sampleOf = (size: number) =>
		size === 0 ? [] : [...new Set(Array.from({ length: SAMPLE }, () => random.below(size)))];

	async function readV1(indexes: readonly number[]): Promise<Map<number, { leafHash: string; leaf: Buffer }>> {
		const found = new Map<number, { leafHash: string; leaf: Buffer }>();
		const body = JSON.stringify({ logIndexes: indexes });
		const entries = await askJson<Record<string, V1Entry>[]>(`${urls.v1}/api/v1/log/entries/retrieve`, body);
		for (const [uuid, entry] of entries.flatMap((one) => Object.entries(one))) {
			const checked = checkV1Entry(reader, uuid, entry);
			counts.proofs += 1;
			const promise = reader.ledgers.v1.promiseOf(checked.leafHash);
			const set = entry.verification.signedEntryTimestamp;
			if (promise && (promise.receipt !== set || promise.time !== entry.integratedTime))
				throw new Violation(`v1: SET or time of entry ${entry.logIndex} are not those that were acknowledged`);
			found.set(entry.logIndex, checked);
		}
		return found;
	}

	async function lookV1(): Promise<void> {
		const ledger = reader.ledgers.v1;
		const { tree, indexes } = audited.v1;
		const promises = due(ledger);
		const largest = ledger.largest;
		const head = await headOf(ledger, async () => {
			const info = await askJson<{ treeSize: number; rootHash: string; signedTreeHead: string }>(
				`${urls.v1}/api/v1/log`,
			);
			const signed = reader.tree('v1', info.signedTreeHead);
			if (signed.size !== info.treeSize || signed.root !== info.rootHash)
				throw new Violation('v1: the log speaks of another tree than its checkpoint');
			return signed;
		});
		const before = tree.size;
		while (tree.size < head.size) {
			const chunks: number[][] = [];
			for (let from = tree.size; from < head.size && chunks.length < V1_AT_ONCE; from += V1_PER_REQUEST)
				chunks.push(Array.from({ length: Math.min(V1_PER_REQUEST, head.size - from) }, (_, i) => from + i));
			for (const found of await Promise.all(chunks.map(readV1)))
				for (let next = found.get(tree.size); next; next = found.get(tree.size)) {
					found.delete(tree.size);
					append('v1', next.leaf, next.leafHash);
				}
			const [wanted = 0] = chunks[0] ?? [];
			if (tree.size === wanted) throw new Violation(`v1: entry ${wanted} of ${head.size} is missing`);
		}
		settle('v1', head, promises, largest);
		const sample = sampleOf(before);
		for (let at = 0; at < sample.length; at += V1_PER_REQUEST) {
			const again = await readV1(sample.slice(at, at + V1_PER_REQUEST));
			for (const index of sample.slice(at, at + V1_PER_REQUEST))
				if (indexes.get(again.get(index)?.leafHash ?? '') !== index)
					throw new Violation(`v1: entry ${index} is not what it was`);
		}
		const first = 1 + random.below(head.size);
		const { hashes } = await askJson<{ hashes: string[] }>(
			`${urls.v1}/api/v1/log/proof?firstSize=${first}&lastSize=${head.size}`,
		);
		const proof = hashes.map((hash) => Buffer.from(hash, 'hex'));
		requireConsistent('v1', { first, second: head.size, proof });
	}

	async function lookV2(): Promise<void> {
		const ledger = reader.ledgers.v2;
		const { tree } = audited.v2;
		const promises = due(ledger);
		const largest = ledger.largest;
		const head = await headOf(ledger, async () =>
			reader.tree('v2', (await ask(`${urls.v2}/api/v2/checkpoint`)).toString()),
		);
		const before = tree.size;
		const bundle = async (index: number) =>
			parseEntryBundle(await ask(`${urls.v2}/api/v2/${tilePathOf('entries', index, head.size)}`));
		while (tree.size < head.size) {
			const index = Math.floor(tree.size / WIDTH);
			const leaves = await bundle(index);
			if (leaves.length !== Math.min(WIDTH, head.size - index * WIDTH))
				throw new Violation(`v2: bundle ${index} has ${leaves.length} entries`);
			leaves.forEach((leaf, offset) => {
				const at = index * WIDTH + offset;
				if (at >= tree.size) append('v2', leaf, leafHashOf(leaf).toString('hex'));
				else if (!tree.leaf(at).equals(leafHashOf(leaf))) throw new Violation(`v2: entry ${at} is not what it was`);
			});
		}
		settle('v2', head, promises, largest);
		for (const index of sampleOf(Math.floor(before / WIDTH)).slice(0, 2))
			(await bundle(index)).forEach((leaf, offset) => {
				if (!tree.leaf(index * WIDTH + offset).equals(leafHashOf(leaf)))
					throw new Violation(`v2: entry ${index * WIDTH + offset} is not what it was`);
			});
		// All hash tiles on the right edge, where a crash could leave something, and a few of the others.
		const tiles = hashTilePaths(head.size);
		const some = options.everything ? tiles : tiles.filter(({ isEdge }) => isEdge || random.chance(2));
		for (const { path, level, index, width } of some) {
			const hashes = await ask(`${urls.v2}/api/v2/${path}`);
			const own = Array.from({ length: width }, (_, i) => tree.complete(8 * level, index * WIDTH + i));
			if (!Buffer.concat(own).equals(hashes)) throw new Violation(`v2: the tile ${path} is not made of its entries`);
		}
	}

	async function lookCt(): Promise<void> {
		const ledger = reader.ledgers.ct;
		const { tree, indexes } = audited.ct;
		const promises = due(ledger);
		const largest = ledger.largest;
		// An SCT does not say how large the tree was: of several replicas, the one that is asked may not have looked since.
		if (options.lagMs !== undefined) await sleep(options.lagMs);
		const head = await headOf(ledger, async () =>
			openTreeHead(await askJson(`${urls.ct}/ct/v1/get-sth`), reader.keys.ct),
		);
		ledger.sawTree({ size: head.size, root: head.root });
		while (tree.size < head.size) {
			const end = Math.min(tree.size + CT_PER_REQUEST, head.size) - 1;
			const { entries } = await askJson<{ entries: { leaf_input: string }[] }>(
				`${urls.ct}/ct/v1/get-entries?start=${tree.size}&end=${end}`,
			);
			if (entries.length === 0) throw new Violation(`ct: entry ${tree.size} of ${head.size} is missing`);
			for (const { leaf_input: text } of entries) {
				const leaf = Buffer.from(text, 'base64');
				const timeless = createHash('sha256').update(leaf.subarray(10)).digest('base64');
				append('ct', leaf, timeless);
			}
		}
		settle('ct', head, promises, largest);
		if (head.size === 0) return;
		const latest = promises.slice(-SAMPLE).map(({ leafHash }) => indexes.get(leafHash) ?? -1);
		for (const index of [...latest, ...sampleOf(head.size).slice(0, SAMPLE / 2)]) {
			const { leaf_input: text, audit_path: path } = await askJson<{ leaf_input: string; audit_path: string[] }>(
				`${urls.ct}/ct/v1/get-entry-and-proof?leaf_index=${index}&tree_size=${head.size}`,
			);
			const leafHash = leafHashOf(Buffer.from(text, 'base64'));
			const proof = path.map((hash) => Buffer.from(hash, 'base64'));
			const root = Buffer.from(head.root, 'hex');
			counts.proofs += 1;
			if (!leafHash.equals(tree.leaf(index)) || !isIncluded({ index, size: head.size, leafHash, root, proof }))
				throw new Violation(`ct: entry ${index} or its proof in the tree of ${head.size} is wrong`);
		}
		const first = 1 + random.below(head.size);
		const { consistency } = await askJson<{ consistency: string[] }>(
			`${urls.ct}/ct/v1/get-sth-consistency?first=${first}&second=${head.size}`,
		);
		const proof = consistency.map((hash) => Buffer.from(hash, 'base64'));
		requireConsistent('ct', { first, second: head.size, proof });
	}

	function requireConsistent(name: LogName, claim: { first: number; second: number; proof: readonly Buffer[] }): void {
		const { tree } = audited[name];
		const firstRoot = tree.rootAt(claim.first);
		const secondRoot = tree.rootAt(claim.second);
		counts.proofs += 1;
		if (!isConsistent({ ...claim, firstRoot, secondRoot }))
			throw new Violation(`${name}: the proof from ${claim.first} to ${claim.second} does not verify`);
	}

	return {
		look: async () => {
			await Promise.all([lookV1(), lookV2(), lookCt()]);
		},
		get sizes() {
			return { v1: audited.v1.tree.size, v2: audited.v2.tree.size, ct: audited.ct.tree.size };
		},
		counts,
	};
}
