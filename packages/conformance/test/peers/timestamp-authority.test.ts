/** Sigstore's timestamp server and ours, with one key and one chain, answer the same requests. */
import type { TsaTarget } from '@chancery/bench/load/messages';
import { tsaSubject } from '@chancery/bench/load/tsa-subject';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask, expectAlike, type Question, startBoth, type TwoServers } from './two-servers.ts';

let servers: TwoServers<TsaTarget>;
beforeAll(async () => {
	servers = await startBoth('timestamp-authority', 'tsa');
}, 120_000);
afterAll(() => servers?.close());

const PATH = '/api/v1/timestamp';
const DER = { 'content-type': 'application/timestamp-query' };
const JSON_TYPE = { 'content-type': 'application/json' };
const HASH = Buffer.alloc(32, 7).toString('base64');
const json = (changes: object) => JSON.stringify({ artifactHash: HASH, hashAlgorithm: 'sha256', ...changes });
/** A query over SHA-256 that openssl writes, and what may be put behind its imprint. */
const query = (rest = '', algorithm = '608648016503040201', digest = '07'.repeat(32)) => {
	const tlv = (tag: string, hex: string) => tag + (hex.length / 2).toString(16).padStart(2, '0') + hex;
	const imprint = tlv('30', tlv('30', `${tlv('06', algorithm)}0500`) + tlv('04', digest));
	return new Uint8Array(Buffer.from(tlv('30', `020101${imprint}${rest}`), 'hex'));
};

/** Before a handler is reached, each router has words of its own. */
const ROUTER_WORDS = { otherWords: 'of a router' } as const;

const QUESTIONS: readonly Question[] = [
	{ name: 'a query in DER', path: PATH, headers: DER, body: query(), status: 200 },
	{ name: 'a query that wants the certificate', path: PATH, headers: DER, body: query('0101ff'), status: 200 },
	{
		name: 'a query in JSON',
		path: PATH,
		headers: JSON_TYPE,
		body: json({ nonce: 1, certificates: true }),
		status: 200,
	},
	{ name: 'the chain', path: `${PATH}/certchain`, status: 200 },
	{ name: 'a ping', path: '/ping', status: 200 },
	{ name: 'doubled slashes', path: '//api/v1//timestamp/certchain', status: 200 },
	{
		name: 'nothing',
		path: PATH,
		headers: DER,
		body: '',
		status: { ours: 400, theirs: 422, why: 'it is a query that cannot be read' },
	},
	{ name: 'no DER', path: PATH, headers: DER, body: 'x', status: 400 },
	{ name: 'SHA-1', path: PATH, headers: DER, body: query('', '2b0e03021a', '07'.repeat(20)), status: 400 },
	{
		name: 'a digest of another length',
		path: PATH,
		headers: DER,
		body: query('', undefined, '07'.repeat(31)),
		status: 400,
	},
	{ name: 'a policy that is not offered', path: PATH, headers: DER, body: query('06022a03'), status: 400 },
	{ name: 'no JSON', path: PATH, headers: JSON_TYPE, body: '{', status: 400 },
	{
		name: 'an unknown hash in JSON',
		path: PATH,
		headers: JSON_TYPE,
		body: json({ hashAlgorithm: 'md5' }),
		status: 400,
	},
	{ name: 'SHA-1 in JSON', path: PATH, headers: JSON_TYPE, body: json({ hashAlgorithm: 'sha1' }), status: 400 },
	{ name: 'JSON of two kilobytes', path: PATH, headers: JSON_TYPE, body: json({ x: 'y'.repeat(2000) }), status: 400 },
	{ name: 'text', path: PATH, headers: { 'content-type': 'text/plain' }, body: 'x', status: 415, ...ROUTER_WORDS },
	{ name: 'another method', method: 'PUT', path: PATH, status: 405, ...ROUTER_WORDS },
	{ name: 'an unknown path', path: '/api/v1/nothing', status: 404, ...ROUTER_WORDS },
	{
		name: 'JSON with a parameter of its type',
		path: PATH,
		headers: { 'content-type': 'application/json; charset=utf-8' },
		body: json({}),
		status: { ours: 200, theirs: 400, why: 'parameters of a media type are passed over' },
	},
	{
		name: 'dot segments',
		path: '/api/v1/x/../timestamp/certchain',
		status: { ours: 404, theirs: 200, why: 'they lead nowhere' },
	},
];

it.each(QUESTIONS)('$name is answered alike', (question) => expectAlike(servers, question));

it('both chains are the same bytes', async () => {
	const [ours, theirs] = await Promise.all(
		[servers.ours, servers.theirs].map((to) => ask(to, { path: `${PATH}/certchain` })),
	);
	expect(ours!.body.toString().trim()).toBe(theirs!.body.toString().trim());
	expect(ours!.type).toBe(theirs!.type);
});

describe('one judge', () => {
	it.each(['ours', 'theirs'] as const)('accepts tokens of %s', async (side) => {
		const target = servers[side];
		const subject = tsaSubject(target);
		for (let i = 0; i < 20; i++) {
			const request = subject.make('timestamp');
			const answer = await ask(target, {
				path: subject.path,
				headers: DER,
				body: new Uint8Array(request.body as Buffer),
			});
			expect(subject.judge(request, answer.body)).toEqual([]);
			expect(answer.type).toBe('application/timestamp-reply');
		}
	});
});
