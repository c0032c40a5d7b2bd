/** The tile API over the same log: every tile is written a second time here from what was submitted. */
import { createPublicKey, verify } from 'node:crypto';
import type { AddChainReply, SignedTreeHead } from '@chancery/wire/ct';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeAuthority, makePrecertificate, sha256, type TestAuthority } from './certificates.ts';
import { hashLeaf, leafBytes, rootOf, treeHeadBytes } from './rfc6962.ts';
import { get, ORIGIN, type RunningLog, register, reportOf, startLog, submitPatiently } from './running-log.ts';

const SIZE = 258;
let log: RunningLog;
let authority: TestAuthority;
/** By index. */
const tileLeaves: Buffer[] = [];
const hashes: Buffer[] = [];

beforeAll(async () => {
	authority = await makeAuthority('ours');
	log = await startLog();
	await register(log, await reportOf(authority));
	const made = new Map<string, Buffer>();
	const u24 = (n: number) => Buffer.of(n >> 16, (n >> 8) & 0xff, n & 0xff);
	const chain = Buffer.concat([Buffer.of(0, 64), sha256(authority.issuing), sha256(authority.root)]);
	await Promise.all(
		Array.from({ length: SIZE }, async () => {
			const { der, tbs } = await makePrecertificate(authority);
			const sct = (await submitPatiently(log, 'add-pre-chain', [der, authority.issuing])).json<AddChainReply>();
			const leaf = leafBytes(sct.timestamp, { issuerPublicKey: authority.issuingSigner.publicKey, tbs });
			made.set(leaf.toString('base64'), Buffer.concat([leaf.subarray(2), u24(der.length), der, chain]));
		}),
	);
	// The order is the log's own.
	const { entries } = (await get(log, 'get-entries', { start: 0, end: SIZE - 1 })).json<{
		entries: { leaf_input: string }[];
	}>();
	for (const { leaf_input } of entries) {
		tileLeaves.push(made.get(leaf_input)!);
		hashes.push(hashLeaf(Buffer.from(leaf_input, 'base64')));
	}
	expect(hashes).toHaveLength(SIZE);
});
afterAll(() => log.end());

const read = (path: string) => log.app.inject({ url: path });

describe('the checkpoint', () => {
	it('is the tree head of get-sth as a note that the key has signed', async () => {
		const response = await read('/checkpoint');
		expect(response.headers['content-type']).toBe('text/plain; charset=utf-8');
		const head = (await get(log, 'get-sth')).json<SignedTreeHead>();
		const [text, line] = response.body.split('\n\n');
		expect(text).toBe(`${ORIGIN}\n${SIZE}\n${rootOf(hashes).toString('base64')}`);
		const bytes = Buffer.from(line!.trimEnd().split(' ')[2]!, 'base64');
		const timestamp = Number(bytes.readBigUInt64BE(4));
		expect(timestamp).toBe(head.timestamp);
		const key = createPublicKey({ key: Buffer.from(log.signer.publicKey), format: 'der', type: 'spki' });
		expect(verify('sha256', treeHeadBytes(timestamp, SIZE, rootOf(hashes)), key, bytes.subarray(16))).toBe(true);
	});
});

describe('tiles', () => {
	it('hold the leaf hashes, the hashes above them, and the entries', async () => {
		const rows = [
			{ path: '/tile/0/000', bytes: Buffer.concat(hashes.slice(0, 256)) },
			{ path: '/tile/0/001.p/2', bytes: Buffer.concat(hashes.slice(256)) },
			{ path: '/tile/0/000.p/7', bytes: Buffer.concat(hashes.slice(0, 7)) },
			{ path: '/tile/1/000.p/1', bytes: rootOf(hashes.slice(0, 256)) },
			{ path: '/tile/data/000', bytes: Buffer.concat(tileLeaves.slice(0, 256)) },
			{ path: '/tile/data/001.p/2', bytes: Buffer.concat(tileLeaves.slice(256)) },
		];
		for (const { path, bytes } of rows) {
			const response = await read(path);
			expect(response.statusCode, path).toBe(200);
			expect(response.rawPayload.equals(bytes), path).toBe(true);
			expect(response.headers['content-type']).toBe('application/octet-stream');
			expect(response.headers['cache-control']).toBe('public, max-age=31536000, immutable');
		}
	});

	it.each([
		'0/001',
		'0/001.p/3',
		'1/000',
		'2/000.p/1',
		'data/001',
		'entries/000',
		'0/0',
		'0/x000/000',
		'64/000',
		'data/000.p/0',
		'0/000.p/256',
		'names/000',
		'..%2f..%2fetc',
		`0/${'x000/'.repeat(100)}000`,
	])('answers 404 for tile/%s', async (path) => {
		expect((await read(`/tile/${path}`)).statusCode).toBe(404);
	});
});

describe('issuers', () => {
	it('are served by the hashes that data tiles name', async () => {
		for (const der of [authority.issuing, authority.root]) {
			const response = await read(`/issuer/${sha256(der).toString('hex')}`);
			expect(response.headers['content-type']).toBe('application/pkix-cert');
			expect(response.rawPayload.equals(der)).toBe(true);
		}
	});

	it('are not found by other hashes, nor by anything else', async () => {
		expect((await read(`/issuer/${'0'.repeat(64)}`)).statusCode).toBe(404);
		expect((await read(`/issuer/${'F'.repeat(64)}`)).statusCode).toBe(400);
	});
});
