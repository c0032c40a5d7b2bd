import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { certificateOf } from './certificates.ts';
import { type LogUnderTest, startLog, TREE_ID } from './log-under-test.ts';
import { dsse, hashedrekord, newKey } from './proposals.ts';

let log: LogUnderTest;
const key = newKey();
const good = hashedrekord('refused', key);
const ENTRIES = '/api/v1/log/entries';
const RETRIEVE = '/api/v1/log/entries/retrieve';
const INDEX = '/api/v1/index/retrieve';

beforeAll(async () => {
	log = await startLog({
		v1: { publicUrl: 'https://log.test', hostname: 'log.test', treeId: TREE_ID, maxBodyBytes: 400_000 },
	});
});
afterAll(() => log.close());

const badSignature = {
	...good,
	spec: { ...good.spec, data: { hash: { algorithm: 'sha256', value: '0'.repeat(64) } } },
};
const manySubjects = dsse(
	{ subject: Array.from({ length: 2100 }, (_, i) => ({ digest: { sha256: i.toString(16).padStart(64, '0') } })) },
	key,
);

describe('the v1 wire refuses', () => {
	it.each([
		['an empty body', 'POST', ENTRIES, '', 400, 'invalid-json', /JSON body is required/],
		['a body that is no JSON', 'POST', ENTRIES, '{"kind":', 400, 'invalid-json', /not valid JSON/],
		[
			'a body of empty objects',
			'POST',
			ENTRIES,
			`[${'{},'.repeat(100_000)}0]`,
			400,
			'invalid-json',
			/more than 16384 braces/,
		],
		[
			'a search longer than any is',
			'POST',
			INDEX,
			{ hash: 'a'.repeat(300_000) },
			413,
			'body-too-large',
			/longer than 262144 bytes/,
		],
		['a body without its parts', 'POST', ENTRIES, {}, 422, 'invalid-request', /kind/],
		['an unknown member beside them', 'POST', ENTRIES, { ...good, extra: 1 }, 422, 'invalid-request', /extra/],
		['a version that is none', 'POST', ENTRIES, { ...good, apiVersion: 'one' }, 422, 'invalid-request', /apiVersion/],
		['a spec that is no object', 'POST', ENTRIES, { ...good, spec: null }, 422, 'invalid-request', /spec/],
		[
			'an unknown kind',
			'POST',
			ENTRIES,
			{ ...good, kind: 'letter' },
			400,
			'kind-not-enabled',
			/error processing entry: .*letter/,
		],
		['a kind that is not enabled', 'POST', ENTRIES, { ...good, kind: 'jar' }, 400, 'kind-not-enabled', /not enabled/],
		[
			'a spec of the wrong shape',
			'POST',
			ENTRIES,
			{ ...good, spec: {} },
			400,
			'invalid-entry',
			/^error processing entry: /,
		],
		[
			'a signature that does not verify',
			'POST',
			ENTRIES,
			badSignature,
			400,
			'signature-mismatch',
			/^error processing entry: verifying signature/,
		],
		['more artifacts than it indexes', 'POST', ENTRIES, manySubjects, 400, 'invalid-entry', /2048 is the limit/],
		[
			'a body that is too large',
			'POST',
			ENTRIES,
			{ ...good, apiVersion: 'x'.repeat(400_000) },
			413,
			'body-too-large',
			/400000 bytes/,
		],
		[
			'a search for more than ten',
			'POST',
			RETRIEVE,
			{ logIndexes: [1, 2, 3, 4, 5, 6], entryUUIDs: Array(5).fill('0'.repeat(64)) },
			422,
			'invalid-request',
			/^more than max allowed 10 entries in request$/,
		],
		['eleven indexes', 'POST', RETRIEVE, { logIndexes: Array(11).fill(1) }, 422, 'invalid-request', /logIndexes/],
		['an empty list', 'POST', RETRIEVE, { logIndexes: [] }, 422, 'invalid-request', /logIndexes/],
		['a negative index in a list', 'POST', RETRIEVE, { logIndexes: [-1] }, 422, 'invalid-request', /logIndexes/],
		[
			'a UUID that is none in a list',
			'POST',
			RETRIEVE,
			{ entryUUIDs: ['abc'] },
			422,
			'invalid-request',
			/should match/,
		],
		[
			'an id with tree 0 in a list',
			'POST',
			RETRIEVE,
			{ entryUUIDs: ['0'.repeat(80)] },
			400,
			'invalid-entry-id',
			/invalid entryID/,
		],
		[
			'a search for an entry that does not verify',
			'POST',
			RETRIEVE,
			{ entries: [badSignature] },
			400,
			'signature-mismatch',
			/verify/,
		],
		['no index', 'GET', ENTRIES, undefined, 422, 'invalid-request', /logIndex/],
		['an index that is no number', 'GET', `${ENTRIES}?logIndex=abc`, undefined, 422, 'invalid-request', /int64/],
		['a negative index', 'GET', `${ENTRIES}?logIndex=-1`, undefined, 422, 'invalid-request', /logIndex/],
		['a UUID that is none', 'GET', `${ENTRIES}/xyz`, undefined, 422, 'invalid-request', /should match/],
		[
			'an id whose tree id cannot be',
			'GET',
			`${ENTRIES}/${'f'.repeat(80)}`,
			undefined,
			400,
			'invalid-entry-id',
			/invalid entryID/,
		],
		['a key of another tree', 'GET', '/api/v1/log/publicKey?treeID=7', undefined, 400, 'unknown-tree', /no tree 7/],
		[
			'a proof in another tree',
			'GET',
			'/api/v1/log/proof?lastSize=1&treeID=x',
			undefined,
			400,
			'unknown-tree',
			/no tree x/,
		],
		['a proof without a size', 'GET', '/api/v1/log/proof', undefined, 422, 'invalid-request', /lastSize/],
		[
			'a proof from size 0',
			'GET',
			'/api/v1/log/proof?firstSize=0&lastSize=1',
			undefined,
			422,
			'invalid-request',
			/firstSize/,
		],
		[
			'a proof backwards',
			'GET',
			'/api/v1/log/proof?firstSize=2&lastSize=1',
			undefined,
			400,
			'invalid-range',
			/^firstSize\(2\) must be less than lastSize\(1\)$/,
		],
		[
			'a proof beyond the tree',
			'GET',
			'/api/v1/log/proof?lastSize=99',
			undefined,
			400,
			'invalid-range',
			/^the tree size requested\(99\) was greater than what is currently observable\(\d+\)$/,
		],
		[
			'a search by a PGP key',
			'POST',
			INDEX,
			{ publicKey: { format: 'pgp', content: 'AAAA' } },
			400,
			'unsupported-key-format',
			/^the PKI format requested is not supported by this server$/,
		],
		[
			'a search by something that is no key',
			'POST',
			INDEX,
			{ publicKey: { format: 'x509', content: 'AAAA' } },
			400,
			'invalid-public-key',
			/^public key provided could not be parsed$/,
		],
		['a search by a hash of no length', 'POST', INDEX, { hash: 'abcd' }, 422, 'invalid-request', /hash/],
		['a search by an address that is none', 'POST', INDEX, { email: 'nobody' }, 422, 'invalid-request', /email/],
		[
			'a tree id without end',
			'GET',
			`/api/v1/log/publicKey?treeID=${'9'.repeat(400)}`,
			undefined,
			400,
			'unknown-tree',
			/./,
		],
		['an unknown path', 'GET', '/api/v1/nothing', undefined, 404, 'not-found', /./],
		['another method', 'DELETE', ENTRIES, undefined, 405, 'method-not-allowed', /./],
	] as const)('%s', async (_, method, url, payload, status, reason, message) => {
		const reply = await log.v1.inject({
			method,
			url,
			...(payload === undefined ? {} : { payload: payload as object }),
		});
		expect(reply.json()).toMatchObject({ code: status, reason, message: expect.stringMatching(message) });
		expect(reply.statusCode).toBe(status);
		expect(reply.headers['content-type']).toBe('application/json');
	});

	it.each(['text/plain', 'application/x-www-form-urlencoded', 'application/xml'])('JSON called %s', async (type) => {
		const payload = JSON.stringify({ hash: '0'.repeat(64) });
		const search = (headers: Record<string, string>) => log.v1.inject({ method: 'POST', url: INDEX, payload, headers });
		expect((await search({ 'content-type': type })).json()).toMatchObject({ code: 415 });
		// Without a media type it is taken for what it is.
		expect((await search({})).statusCode).toBe(200);
	});

	it('an entry that no tile could carry, and names both sizes', async () => {
		const payload = hashedrekord('large', key, certificateOf(key, `nsComment=${'x'.repeat(60_000)}`));
		const reply = await log.v1.inject({ method: 'POST', url: ENTRIES, payload });
		expect(reply.statusCode).toBe(400);
		expect(reply.json()).toMatchObject({
			reason: 'entry-too-large',
			message: expect.stringMatching(/has \d{5,} bytes; 65535/),
		});
	});

	it('a chain of certificates signed with SHA-1', async () => {
		const certificate = certificateOf(key, 'basicConstraints=critical,CA:true', '-sha1');
		const payload = hashedrekord('chain', key, certificate.repeat(2));
		const reply = await log.v1.inject({ method: 'POST', url: ENTRIES, payload });
		expect(reply.statusCode).toBe(400);
		expect(reply.json()).toMatchObject({
			code: 400,
			reason: 'invalid-entry',
			message: expect.stringContaining('is a chain in which a certificate is not issued by the one behind it'),
		});
	});

	it('an entry while its clock is behind what the log has signed, and takes it afterwards', async () => {
		const payload = hashedrekord('clock', key);
		const post = () => log.v1.inject({ method: 'POST', url: ENTRIES, payload });
		log.clock.now -= 60_000;
		const refused = await post();
		expect(refused.statusCode).toBe(503);
		expect(refused.json()).toMatchObject({ code: 503, reason: 'clock-lead' });
		expect(refused.headers['retry-after']).toMatch(/^\d+$/);
		log.clock.now += 60_000;
		expect((await post()).statusCode).toBe(201);
	});

	it('with Retry-After when too many signature checks are waiting', async () => {
		log = await log.restart({ maxQueuedCheckMs: 10, digestBackend: 'noble' });
		const replies = await Promise.all(
			Array.from({ length: 30 }, (_, i) =>
				log.v1.inject({ method: 'POST', url: ENTRIES, payload: hashedrekord(`crowd ${i}`, key) }),
			),
		);
		const statuses = new Set(replies.map((reply) => reply.statusCode));
		expect(statuses).toEqual(new Set([201, 429]));
		const refused = replies.find((reply) => reply.statusCode === 429)!;
		expect(refused.headers['retry-after']).toBe('1');
		expect(refused.json()).toMatchObject({ code: 429, reason: 'overloaded' });
	});
});
