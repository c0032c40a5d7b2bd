import { createPublicKey } from 'node:crypto';
import { parseCheckpoint } from '@chancery/core/checkpoint';
import { parseNote } from '@chancery/core/note';
import { checkConsistency } from '@chancery/core/proof';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { certificateOf } from './certificates.ts';
import { type LogUnderTest, startLog, TREE_ID } from './log-under-test.ts';
import { dsse, hashedrekord, newKey, pemOf } from './proposals.ts';

let log: LogUnderTest;
const key = newKey();
const other = newKey();
const ids: string[] = [];
const proposals: object[] = [];
const DIGEST = 'cd'.repeat(32);

beforeAll(async () => {
	log = await startLog();
	for (let i = 0; i < 12; i++) proposals.push(hashedrekord(`file ${i}`, i < 8 ? key : other));
	proposals.push(dsse({ subject: [{ digest: { sha256: DIGEST } }] }, key));
	for (const payload of proposals) {
		const reply = await log.v1.inject({ method: 'POST', url: '/api/v1/log/entries', payload });
		ids.push(reply.headers.etag as string);
	}
});
afterAll(() => log.close());

const retrieve = (payload: object, url = '/api/v1/log/entries/retrieve') =>
	log.v1.inject({ method: 'POST', url, payload });
const found = async (payload: object) => {
	const reply = await retrieve(payload);
	expect(reply.statusCode).toBe(200);
	return (reply.json() as object[]).map((entry) => Object.keys(entry)[0]);
};

describe('GET of one v1 entry', () => {
	it.each([
		['its index', () => '?logIndex=3', 2],
		['its id', () => `/${ids[4]}`, 4],
		['its leaf hash', () => `/${ids[4]!.slice(16)}`, 4],
		['its id in upper case', () => `/${ids[4]!.toUpperCase()}`, 4],
		['its id and a slash', () => `/${ids[4]}/`, 4],
	])('finds it by %s', async (_, path, n) => {
		const reply = await log.v1.inject({ url: `/api/v1/log/entries${path()}` });
		expect(reply.statusCode).toBe(200);
		expect(Object.keys(reply.json())).toEqual([ids[n]]);
	});

	it.each([
		['an index beyond the tree', '?logIndex=14'],
		['an unknown leaf hash', `/${'0'.repeat(64)}`],
		['an unknown tree', `/${'0'.repeat(15)}1${'0'.repeat(64)}`],
	])('answers 404 without a body for %s', async (_, path) => {
		const reply = await log.v1.inject({ url: `/api/v1/log/entries${path}` });
		expect([reply.statusCode, reply.body]).toEqual([404, '']);
	});
});

describe('POST /api/v1/log/entries/retrieve', () => {
	it('finds the union of all lists, each entry once', async () => {
		const query = {
			entryUUIDs: [ids[0], ids[1]!.slice(16)],
			logIndexes: [1, 3],
			entries: [proposals[0], proposals[12]],
		};
		expect(await found(query)).toEqual([ids[0], ids[1], ids[12], ids[2]]);
	});

	it('reads null as absent, as Go clients write it', async () => {
		expect(await found({ entryUUIDs: null, entries: null, logIndexes: [1] })).toEqual([ids[0]]);
	});

	it('answers an empty list when nothing is found', async () => {
		expect(await found({ logIndexes: [9999], entryUUIDs: ['f'.repeat(64)] })).toEqual([]);
		expect(await found({})).toEqual([]);
	});

	it('finds nothing for a kind that is never logged here, beside one that is', async () => {
		const intoto = { kind: 'intoto', apiVersion: '0.0.1', spec: { content: { envelope: '{}' }, publicKey: 'x' } };
		expect(await found({ entries: [proposals[12], intoto] })).toEqual([ids[12]]);
	});

	it('is also there with a slash at the end', async () => {
		const reply = await retrieve({ logIndexes: [1] }, '/api/v1/log/entries/retrieve/');
		expect(reply.statusCode).toBe(200);
	});
});

describe('the v1 tree head', () => {
	it('is the published checkpoint, as getLogInfo shows it', async () => {
		const info = (await log.v1.inject({ url: '/api/v1/log' })).json();
		const checkpoint = parseCheckpoint(parseNote(info.signedTreeHead).text);
		expect(info).toMatchObject({ treeSize: 14, rootHash: Buffer.from(checkpoint.root).toString('hex') });
		expect(checkpoint.size).toBe(14);
	});

	it.each(['', `?treeID=${TREE_ID}`])('comes with its key%s', async (query) => {
		const reply = await log.v1.inject({ url: `/api/v1/log/publicKey${query}` });
		expect(reply.headers['content-type']).toBe('application/x-pem-file');
		expect(createPublicKey(reply.body).export({ type: 'spki', format: 'der' })).toEqual(
			Buffer.from(log.v1Signer.publicKey),
		);
	});

	it('is proved to continue every earlier one', async () => {
		const roots = new Map<number, Uint8Array>();
		const fresh = newKey();
		for (let i = 0; i < 5; i++) {
			const payload = hashedrekord(`growth ${i}`, fresh);
			const entry = Object.values<any>(
				(await log.v1.inject({ method: 'POST', url: '/api/v1/log/entries', payload })).json(),
			)[0];
			const { treeSize, rootHash } = entry.verification.inclusionProof;
			roots.set(treeSize, Uint8Array.fromHex(rootHash));
		}
		const newest = Math.max(...roots.keys());
		for (const [first, firstRoot] of roots) {
			for (const [second, secondRoot] of roots) {
				if (first > second) continue;
				const reply = await log.v1.inject({
					url: `/api/v1/log/proof?firstSize=${first}&lastSize=${second}&treeID=${TREE_ID}`,
				});
				const { hashes, rootHash } = reply.json();
				expect(rootHash).toBe(Buffer.from(roots.get(newest)!).toString('hex'));
				const proof = hashes.map((hash: string) => Uint8Array.fromHex(hash));
				checkConsistency({ first, second, firstRoot, secondRoot, proof });
			}
		}
	});

	it('is proved from the first leaf when no first size is given', async () => {
		const reply = await log.v1.inject({ url: '/api/v1/log/proof?lastSize=4' });
		expect(reply.statusCode).toBe(200);
		expect(reply.json().hashes).toHaveLength(2);
	});
});

describe('POST /api/v1/index/retrieve', () => {
	const search = async (payload: object) => {
		const reply = await log.v1.inject({ method: 'POST', url: '/api/v1/index/retrieve', payload });
		expect(reply.statusCode).toBe(200);
		return reply.json() as string[];
	};
	const publicKey = { format: 'x509', content: Buffer.from(pemOf(other)).toString('base64') };
	const hash = () => (proposals[9] as any).spec.data.hash.value as string;

	it('finds by hash, with and without its prefix, in any case', async () => {
		expect(await search({ hash: hash() })).toEqual([ids[9]]);
		expect(await search({ hash: `sha256:${hash().toUpperCase()}` })).toEqual([ids[9]]);
		expect(await search({ hash: DIGEST })).toEqual([ids[12]]);
	});

	it('finds by key, newest first', async () => {
		expect(await search({ publicKey })).toEqual(ids.slice(8, 12).reverse());
	});

	it('joins criteria by or, and by and when asked', async () => {
		const criteria = { publicKey, hash: DIGEST };
		expect(await search(criteria)).toEqual([ids[12], ...ids.slice(8, 12).reverse()]);
		expect(await search({ ...criteria, operator: 'and' })).toEqual([]);
		expect(await search({ publicKey, hash: hash(), operator: 'and' })).toEqual([ids[9]]);
	});

	it('goes in pages, and says where the next one begins', async () => {
		const page = (query: string) =>
			log.v1.inject({ method: 'POST', url: `/api/v1/index/retrieve${query}`, payload: { publicKey } });
		const expected = ids.slice(8, 12).reverse();
		const first = await page('?limit=3');
		expect(first.json()).toEqual(expected.slice(0, 3));
		const before = first.headers['x-chancery-next-before'];
		expect(before).toMatch(/^\d+$/);
		const last = await page(`?limit=3&before=${before}`);
		expect(last.json()).toEqual(expected.slice(3));
		expect(last.headers['x-chancery-next-before']).toBeUndefined();
		expect((await page('')).headers['x-chancery-next-before']).toBeUndefined();
		for (const wrong of ['?limit=0', '?limit=10001', '?limit=x', '?before=-1', '?before=1e3'])
			expect((await page(wrong)).statusCode, wrong).toBe(422);
		expect((await page('?before=9007199254740991')).json()).toEqual(expected);
	});

	it('finds by every identity of a certificate, in any case', async () => {
		const workflow = 'https://ci.example/Org/Repo/.ci/build.yml@refs/heads/main';
		const holder = newKey();
		const pem = certificateOf(holder, `subjectAltName=email:Jane@Example.com,URI:${workflow}`);
		const payload = hashedrekord('by Jane', holder, pem);
		const { headers } = await log.v1.inject({ method: 'POST', url: '/api/v1/log/entries', payload });
		expect(headers.etag).toMatch(/^[0-9a-f]{80}$/);
		expect(await search({ email: 'jane@example.COM' })).toEqual([headers.etag]);
		expect(await search({ subject: workflow })).toEqual([headers.etag]);
		expect(await search({ email: 'jane@example.com', subject: workflow.toLowerCase(), operator: 'and' })).toEqual([
			headers.etag,
		]);
		expect(await search({ subject: 'https://ci.example/Org/Repo' })).toEqual([]);
	});

	it('finds nothing without criteria, and nothing for strangers', async () => {
		expect(await search({})).toEqual([]);
		expect(await search({ email: '', hash: null, subject: '' })).toEqual([]);
		expect(await search({ email: 'nobody@example.com' })).toEqual([]);
	});
});
