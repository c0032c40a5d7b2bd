import { createHash, createPublicKey, verify } from 'node:crypto';
import { parseCheckpoint } from '@chancery/core/checkpoint';
import { hashLeaf, rootOf } from '@chancery/core/merkle';
import { parseNote } from '@chancery/core/note';
import { checkInclusion } from '@chancery/core/proof';
import { parseBundle } from '@chancery/core/tile';
import type { TransparencyLogEntryJson } from '@chancery/wire/transparency-log-entry';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type LogUnderTest, startLog, V2_ORIGIN } from './log-under-test.ts';
import { envelope, hashedRekordRequest, newKey, verifierOf } from './proposals.ts';

let log: LogUnderTest;
const key = newKey();

beforeAll(async () => {
	log = await startLog();
});
afterAll(() => log.close());

const post = (payload: object) => log.v2.inject({ method: 'POST', url: '/api/v2/log/entries', payload });
const read = async (url: string) => (await log.v2.inject({ url })).rawPayload;

/** Judges an answer with node:crypto, and the log by its tiles. */
async function judge(entry: TransparencyLogEntryJson): Promise<void> {
	const publicKey = createPublicKey({ key: Buffer.from(log.v2Signer.publicKey), format: 'der', type: 'spki' });
	const raw = Buffer.from(log.v2Signer.publicKey).subarray(-32);
	const logId = createHash('sha256').update(`${V2_ORIGIN}\n`).update(Buffer.of(1)).update(raw).digest();
	expect(entry.logId.keyId).toBe(logId.toString('base64'));

	const { text, signatures } = parseNote(entry.inclusionProof.checkpoint.envelope);
	expect(signatures[0]).toMatchObject({ name: V2_ORIGIN });
	expect(Buffer.from(signatures[0]!.keyHash)).toEqual(logId.subarray(0, 4));
	expect(verify(null, Buffer.from(text), publicKey, signatures[0]!.signature)).toBe(true);

	const checkpoint = parseCheckpoint(text);
	expect(checkpoint.origin).toBe(V2_ORIGIN);
	const leaf = Buffer.from(entry.canonicalizedBody, 'base64');
	expect(Buffer.from(checkpoint.root).toString('base64')).toBe(entry.inclusionProof.rootHash);
	checkInclusion({
		index: Number(entry.logIndex),
		size: checkpoint.size,
		leafHash: hashLeaf(leaf),
		root: checkpoint.root,
		proof: entry.inclusionProof.hashes.map((hash) => new Uint8Array(Buffer.from(hash, 'base64'))),
	});

	const bundle = parseBundle(new Uint8Array(await read(`/api/v2/tile/entries/000.p/${checkpoint.size}`)));
	expect(Buffer.from(bundle[Number(entry.logIndex)]!)).toEqual(leaf);
	expect(rootOf(bundle.map((bytes) => hashLeaf(bytes)))).toEqual(checkpoint.root);
	const tile = await read(`/tile/0/000.p/${checkpoint.size}`);
	expect(tile.equals(Buffer.concat(bundle.map((bytes) => hashLeaf(bytes))))).toBe(true);
}

describe('POST /api/v2/log/entries', () => {
	it('answers 201 with every field of a log entry, integers as strings', async () => {
		const reply = await post(hashedRekordRequest('a file', key));
		expect(reply.statusCode).toBe(201);
		expect(reply.headers['content-type']).toBe('application/json');
		const entry = reply.json() as TransparencyLogEntryJson;
		expect(Object.keys(entry)).toEqual([
			'logIndex',
			'logId',
			'kindVersion',
			'integratedTime',
			'inclusionPromise',
			'inclusionProof',
			'canonicalizedBody',
		]);
		expect(entry).toMatchObject({
			logIndex: '0',
			kindVersion: { kind: 'hashedrekord', version: '0.0.2' },
			integratedTime: '0',
			inclusionPromise: null,
			inclusionProof: { logIndex: '0', treeSize: '1', hashes: [] },
		});
		await judge(entry);
	});

	it('reads declared names, numbers of enums, null, and both alphabets of base64', async () => {
		const { digest, signature } = hashedRekordRequest('other names', key).hashedRekordRequestV002;
		const urlBase64 = (text: string) => text.replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
		const reply = await post({
			hashed_rekord_request_v002: {
				digest: urlBase64(digest),
				signature: {
					content: urlBase64(signature.content),
					verifier: {
						public_key: { raw_bytes: signature.verifier.publicKey.rawBytes },
						x509Certificate: null,
						key_details: 5,
					},
				},
			},
		});
		expect(reply.statusCode).toBe(201);
		const again = await post({ hashedRekordRequestV002: { digest, signature } });
		expect(again.json().canonicalizedBody).toBe(reply.json().canonicalizedBody);
		await judge(again.json());
	});

	it('logs an envelope as the hashedrekord over its encoding', async () => {
		const signed = envelope({ subject: [] }, key);
		const reply = await post({ dsseRequestV002: { envelope: signed, verifiers: [verifierOf(key)] } });
		expect(reply.statusCode).toBe(201);
		const entry = reply.json() as TransparencyLogEntryJson;
		expect(entry.kindVersion).toEqual({ kind: 'hashedrekord', version: '0.0.2' });
		const { data } = JSON.parse(Buffer.from(entry.canonicalizedBody, 'base64').toString()).spec.hashedRekordV002;
		const payload = Buffer.from(signed.payload, 'base64');
		const encoded = `DSSEv1 ${signed.payloadType.length} ${signed.payloadType} ${payload.length} ${payload}`;
		expect(data.digest).toBe(createHash('sha256').update(encoded).digest('base64'));
		await judge(entry);
	});

	it('answers a repeat with the entry it is, or refuses it where the operator wants that', async () => {
		const request = hashedRekordRequest('repeated', key);
		const first = (await post(request)).json() as TransparencyLogEntryJson;
		await post(hashedRekordRequest('in between', key));
		const again = await post(request);
		expect([again.statusCode, again.headers['x-chancery-duplicate']]).toEqual([201, 'true']);
		expect(again.json()).toMatchObject({ logIndex: first.logIndex, canonicalizedBody: first.canonicalizedBody });
		await judge(again.json());

		log = await log.restart({ duplicateStatus: 409 });
		const refused = await post(request);
		expect([refused.statusCode, refused.headers['x-log-index']]).toEqual([409, first.logIndex]);
		expect(refused.json()).toMatchObject({ code: 6, message: expect.stringContaining(`with index ${first.logIndex}`) });
		log = await log.restart();
	});

	const valid = hashedRekordRequest('valid', key);
	const { digest, signature } = valid.hashedRekordRequestV002;
	const hashed = (changes: object) => ({ hashedRekordRequestV002: { digest, signature, ...changes } });
	it.each([
		['nothing', {}, 3, /must be either hashedRekordRequestV002 or dsseRequestV002/],
		['no JSON', 'hello', 3, /not valid JSON/],
		[
			'both requests',
			{ ...valid, dsseRequestV002: { envelope: envelope({}, key), verifiers: [verifierOf(key)] } },
			3,
			/either/,
		],
		['an unknown field', { ...valid, extra: 1 }, 3, /extra/],
		['an unknown field inside', hashed({ extra: 1 }), 3, /extra/],
		[
			'one field under both its names',
			{ ...valid, hashed_rekord_request_v002: valid.hashedRekordRequestV002 },
			3,
			/hashed_rekord_request_v002/,
		],
		['an empty digest', hashed({ digest: '' }), 3, /empty/],
		['a digest that is no base64', hashed({ digest: '*' }), 3, /base64/],
		['a digest of another length', hashed({ digest: 'AAAA' }), 3, /^invalid hashedrekord request: .*3 bytes/],
		['no verifier', hashed({ signature: { content: signature.content } }), 3, /verifier/],
		[
			'two verifiers',
			hashed({
				signature: { ...signature, verifier: { ...signature.verifier, x509Certificate: { rawBytes: 'AAAA' } } },
			}),
			3,
			/either x509Certificate or publicKey/,
		],
		[
			'key details that are not accepted',
			hashed({ signature: { ...signature, verifier: { ...signature.verifier, keyDetails: 'PKIX_ED25519' } } }),
			3,
			/^invalid hashedrekord request: .*not accepted/,
		],
		[
			'another digest',
			hashed({ digest: Buffer.alloc(32).toString('base64') }),
			3,
			/^invalid hashedrekord request: .*verify/,
		],
		[
			'two signatures',
			{
				dsseRequestV002: {
					envelope: { ...envelope({}, key), signatures: Array(2).fill({ sig: 'AAAA' }) },
					verifiers: [verifierOf(key)],
				},
			},
			3,
			/^invalid dsse request: .*found 2 and 1/,
		],
	] as const)('refuses %s', async (_, payload, code, message) => {
		const reply = await post(payload as object);
		expect(reply.json()).toMatchObject({ code, message: expect.stringMatching(message), details: [expect.anything()] });
		expect(reply.statusCode).toBe(400);
	});

	it('refuses a body beyond its limit', async () => {
		const reply = await post({ hashedRekordRequestV002: { digest: 'A'.repeat(5 * 1024 * 1024) } });
		expect(reply.statusCode).toBe(413);
		expect(reply.json()).toMatchObject({ code: 3 });
	});

	it('pushes back with Retry-After when too many signature checks are waiting', async () => {
		log = await log.restart({ maxQueuedCheckMs: 10, digestBackend: 'noble' });
		const requests = Array.from({ length: 30 }, (_, i) => hashedRekordRequest(`crowd ${i}`, key));
		const replies = await Promise.all(requests.map(post));
		const refused = replies.find((reply) => reply.statusCode === 503)!;
		expect(refused.headers['retry-after']).toBe('1');
		expect(refused.json()).toMatchObject({ code: 14 });
		expect(replies.some((reply) => reply.statusCode === 201)).toBe(true);
		log = await log.restart();
	});
});

describe('what the v2 listener refuses', () => {
	it.each(['PUT', 'DELETE'] as const)(
		'the method %s with 501, because 405 says that the log is frozen',
		async (method) => {
			const reply = await log.v2.inject({ method, url: '/api/v2/log/entries' });
			expect([reply.statusCode, reply.json().code]).toEqual([501, 12]);
		},
	);

	it.each(['', '/api/v2'])('a tile path without end below %s as a tile that is not there', async (prefix) => {
		const reply = await log.v2.inject({ url: `${prefix}/tile/0/${'x000/'.repeat(100)}000` });
		expect([reply.statusCode, reply.body]).toEqual([404, 'not found\n']);
	});
});

describe('tiles of the v2 log', () => {
	it('are full and partial once the tree has grown beyond one of them', async () => {
		log = await log.restart({ maxQueuedCheckMs: 60_000 });
		await Promise.all(Array.from({ length: 270 }, (_, i) => post(hashedRekordRequest(`many ${i}`, key))));
		const { size, root } = parseCheckpoint(parseNote((await read('/checkpoint')).toString()).text);
		expect(size).toBeGreaterThan(270);
		const bundles = [await read('/tile/entries/000'), await read(`/tile/entries/001.p/${size - 256}`)];
		const leaves = bundles.flatMap((bundle) => parseBundle(new Uint8Array(bundle)));
		expect(leaves).toHaveLength(size);
		const hashes = leaves.map((leaf) => hashLeaf(leaf));
		expect(rootOf(hashes)).toEqual(root);
		expect((await read('/api/v2/tile/0/000')).equals(Buffer.concat(hashes.slice(0, 256)))).toBe(true);
		expect((await read('/api/v2/tile/1/000.p/1')).equals(Buffer.from(rootOf(hashes.slice(0, 256))))).toBe(true);
	});
});
