/** Reading the log over HTTP: every hash, proof and head is computed a second time from the entries themselves. */
import { parseNote } from '@chancery/core/note';
import { readStoredPublication } from '@chancery/tlog/audit/stored-rows';
import type { AddChainReply, SignedTreeHead } from '@chancery/wire/ct';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { base64, makeAuthority, makePrecertificate, sha256, type TestAuthority } from './certificates.ts';
import { checkDigitallySigned, consistencyOf, hashLeaf, leafBytes, pathOf, rootOf, treeHeadBytes } from './rfc6962.ts';
import { get, ORIGIN, type RunningLog, register, reportOf, startLog, submit } from './running-log.ts';

const SIZE = 11;
let log: RunningLog;
let authority: TestAuthority;
const leaves: Buffer[] = [];
const hashes: Buffer[] = [];

async function grow(count: number): Promise<void> {
	for (let i = 0; i < count; i++) {
		const { der, tbs } = await makePrecertificate(authority);
		const sct = (await submit(log, 'add-pre-chain', [der, authority.issuing])).json<AddChainReply>();
		const leaf = leafBytes(sct.timestamp, { issuerPublicKey: authority.issuingSigner.publicKey, tbs });
		leaves.push(leaf);
		hashes.push(hashLeaf(leaf));
	}
}

const checkHead = (head: SignedTreeHead) =>
	checkDigitallySigned(
		log.signer.publicKey,
		treeHeadBytes(head.timestamp, head.tree_size, Buffer.from(head.sha256_root_hash, 'base64')),
		head.tree_head_signature,
	);

beforeAll(async () => {
	authority = await makeAuthority('ours');
	log = await startLog({ config: { maxEntriesPerReply: 5 } });
});
afterAll(() => log.end());

describe('an empty log', () => {
	it('has a signed head over the empty tree, and no entries', async () => {
		const head = (await get(log, 'get-sth')).json<SignedTreeHead>();
		expect(head.tree_size).toBe(0);
		expect(head.sha256_root_hash).toBe(base64(sha256(new Uint8Array(0))));
		expect(checkHead(head)).toBe(true);
		expect((await get(log, 'get-entries', { start: 0, end: 10 })).json()).toEqual({ entries: [] });
		expect((await get(log, 'get-entries', { start: 1, end: 10 })).statusCode).toBe(400);
		expect((await get(log, 'get-roots')).json()).toEqual({ certificates: [] });
	});
});

describe('a log with entries', () => {
	beforeAll(async () => {
		expect((await register(log, await reportOf(authority))).statusCode).toBe(201);
		await grow(SIZE);
	});

	it('signs a head over exactly the entries it answered SCTs for', async () => {
		const response = await get(log, 'get-sth');
		const head = response.json<SignedTreeHead>();
		expect(Object.keys(head)).toEqual(['tree_size', 'timestamp', 'sha256_root_hash', 'tree_head_signature']);
		expect(head.tree_size).toBe(SIZE);
		expect(head.sha256_root_hash).toBe(base64(rootOf(hashes)));
		expect(checkHead(head)).toBe(true);
		expect(response.headers['cache-control']).toBe('no-cache');
		expect((await get(log, 'get-sth')).json()).toEqual(head);
	});

	it('dates the head not before any SCT in it', async () => {
		const head = (await get(log, 'get-sth')).json<SignedTreeHead>();
		for (const leaf of leaves) expect(Number(leaf.readBigUInt64BE(2))).toBeLessThanOrEqual(head.timestamp);
	});

	it('proves consistency between all pairs of sizes by the definition of the RFC', async () => {
		for (let first = 0; first <= SIZE; first++)
			for (let second = first; second <= SIZE; second++) {
				const { consistency } = (await get(log, 'get-sth-consistency', { first, second })).json();
				expect(consistency, `${first} ${second}`).toEqual(consistencyOf(first, hashes.slice(0, second)).map(base64));
			}
	});

	it('finds each leaf by its hash and proves it in every tree that holds it', async () => {
		for (let index = 0; index < SIZE; index++)
			for (let size = index + 1; size <= SIZE; size++) {
				const response = await get(log, 'get-proof-by-hash', { hash: base64(hashes[index]!), tree_size: size });
				expect(response.json()).toEqual({
					leaf_index: index,
					audit_path: pathOf(index, hashes.slice(0, size)).map(base64),
				});
			}
	});

	it('answers an entry with its proof', async () => {
		const response = await get(log, 'get-entry-and-proof', { leaf_index: 3, tree_size: 9 });
		expect(response.json()).toMatchObject({
			leaf_input: base64(leaves[3]!),
			extra_data: expect.stringMatching(/./),
			audit_path: pathOf(3, hashes.slice(0, 9)).map(base64),
		});
		expect(response.headers['cache-control']).toBe('public, max-age=86400');
	});

	const ranges = [
		{ start: 0, end: 0, got: 1, cache: 86400 },
		{ start: 2, end: 4, got: 3, cache: 86400 },
		{ start: 0, end: 4, got: 5, cache: 86400 },
		{ start: 0, end: 9, got: 5, cache: 60 },
		{ start: 8, end: 10, got: 3, cache: 86400 },
		{ start: 8, end: 11, got: 3, cache: 60 },
		{ start: 10, end: 9_007_199_254_740_991, got: 1, cache: 60 },
		{ start: 11, end: 11, got: 0, cache: 60 },
		{ start: 11, end: 500, got: 0, cache: 60 },
	];
	it.each(ranges)('answers $got entries from $start to $end', async ({ start, end, got, cache }) => {
		const response = await get(log, 'get-entries', { start, end });
		expect(response.statusCode).toBe(200);
		const { entries } = response.json<{ entries: { leaf_input: string }[] }>();
		expect(entries.map((entry) => entry.leaf_input)).toEqual(leaves.slice(start, start + got).map(base64));
		expect(response.headers['cache-control']).toBe(`public, max-age=${cache}`);
	});

	const unknownHash = base64(sha256(Buffer.from('no such leaf')));
	const refused = [
		{ path: 'get-sth-consistency', query: { first: 5, second: 4 }, status: 400 },
		{ path: 'get-sth-consistency', query: { first: 5, second: SIZE + 1 }, status: 400 },
		{ path: 'get-sth-consistency', query: { first: -1, second: 4 }, status: 400 },
		{ path: 'get-sth-consistency', query: { first: 'x', second: 4 }, status: 400 },
		{ path: 'get-sth-consistency', query: { first: 1 }, status: 400 },
		{ path: 'get-sth-consistency', query: { first: 1, second: '9007199254740993' }, status: 400 },
		{ path: 'get-sth-consistency', query: { first: 1, second: '99999999999999999999' }, status: 400 },
		{ path: 'get-proof-by-hash', query: { hash: unknownHash, tree_size: SIZE }, status: 404 },
		{ path: 'get-proof-by-hash', query: { hash: unknownHash, tree_size: SIZE + 1 }, status: 404 },
		{ path: 'get-proof-by-hash', query: { hash: unknownHash, tree_size: 0 }, status: 400 },
		{ path: 'get-proof-by-hash', query: { hash: '', tree_size: 1 }, status: 400 },
		{ path: 'get-proof-by-hash', query: { hash: 'AAAA', tree_size: 1 }, status: 400 },
		{ path: 'get-proof-by-hash', query: { hash: '!', tree_size: 1 }, status: 400 },
		{ path: 'get-proof-by-hash', query: { hash: `${unknownHash.slice(0, -2)}/=`, tree_size: 1 }, status: 400 },
		{ path: 'get-entries', query: { start: 3, end: 2 }, status: 400 },
		{ path: 'get-entries', query: { start: SIZE + 1, end: SIZE + 1 }, status: 400 },
		{ path: 'get-entries', query: { start: -1, end: 2 }, status: 400 },
		{ path: 'get-entries', query: { end: 2 }, status: 400 },
		{ path: 'get-entries', query: { start: '1e1', end: 20 }, status: 400 },
		{ path: 'get-entry-and-proof', query: { leaf_index: 3, tree_size: 3 }, status: 400 },
		{ path: 'get-entry-and-proof', query: { leaf_index: 0, tree_size: 0 }, status: 400 },
		{ path: 'get-entry-and-proof', query: { leaf_index: 0, tree_size: SIZE + 1 }, status: 400 },
		{ path: 'get-everything', query: {}, status: 404 },
	];
	it.each(refused)('answers $status for $path $query', async ({ path, query, status }) => {
		const response = await get(log, path, query as Record<string, string | number>);
		expect(response.statusCode).toBe(status);
		expect(response.headers['content-type']).toBe('text/plain; charset=utf-8');
	});

	it('does not find a leaf that lies beyond the tree asked for', async () => {
		const response = await get(log, 'get-proof-by-hash', { hash: base64(hashes[8]!), tree_size: 8 });
		expect(response.statusCode).toBe(404);
	});

	it('goes on after a restart with the same head, entries and SCTs', async () => {
		const { der } = await makePrecertificate(authority);
		const first = (await submit(log, 'add-pre-chain', [der, authority.issuing])).json();
		const head = (await get(log, 'get-sth')).json<SignedTreeHead>();
		log = await log.restart();
		const again = (await get(log, 'get-sth')).json<SignedTreeHead>();
		expect(again).toMatchObject({ tree_size: head.tree_size, sha256_root_hash: head.sha256_root_hash });
		expect(again.timestamp).toBeGreaterThanOrEqual(head.timestamp);
		expect((await submit(log, 'add-pre-chain', [der, authority.issuing])).json()).toEqual(first);
		expect((await get(log, 'get-sth')).json().tree_size).toBe(head.tree_size);
	});

	it('stores each head as a checkpoint whose one signature is that of the tree head', async () => {
		const stored = await readStoredPublication(log.database.database, 'ctlog', 'ctlog');
		const { text, signatures } = parseNote(stored!.note);
		const head = (await get(log, 'get-sth')).json<SignedTreeHead>();
		expect(text).toBe(`${ORIGIN}\n${head.tree_size}\n${head.sha256_root_hash}\n`);
		expect(signatures).toHaveLength(1);
		const line = Buffer.from(signatures[0]!.signature);
		expect(Number(line.readBigUInt64BE(0))).toBe(head.timestamp);
		expect(line.subarray(8).toString('base64')).toBe(head.tree_head_signature);
		const keyId = sha256(Buffer.concat([Buffer.from(`${ORIGIN}\n`), Buffer.of(5), sha256(log.signer.publicKey)]));
		expect(Buffer.from(signatures[0]!.keyHash).equals(keyId.subarray(0, 4))).toBe(true);
	});
});
