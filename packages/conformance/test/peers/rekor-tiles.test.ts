/** Sigstore's server of the v2 wire, with its storage in files, and our log answer the same requests. */
import { createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { logSubject } from '@chancery/bench/load/log-subject';
import type { LogTarget } from '@chancery/bench/load/messages';
import { sha256 } from '@chancery/core/sha';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ask, expectAlike, type Question, startBoth, type TwoServers } from './two-servers.ts';

let servers: TwoServers<LogTarget>;
beforeAll(async () => {
	servers = await startBoth('rekor-tiles', 'v2');
}, 120_000);
afterAll(() => servers?.close());

const PATH = '/api/v2/log/entries';
const JSON_TYPE = { 'content-type': 'application/json' };
const p256 = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64');

function entry(text: string, { privateKey = p256.privateKey, details = 'PKIX_ECDSA_P256_SHA_256' } = {}) {
	const message = Buffer.from(text);
	const spki = createPublicKey(privateKey as KeyObject).export({ type: 'spki', format: 'der' });
	return {
		digest: base64(sha256(message)),
		signature: {
			content: base64(sign('sha256', message, privateKey)),
			verifier: { publicKey: { rawBytes: base64(spki) }, keyDetails: details },
		},
	};
}
const proposal = (member: object, rest: object = {}) => JSON.stringify({ hashedRekordRequestV002: member, ...rest });
const good = entry('an artifact');
const { signature } = good;
const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' });
const rsa = generateKeyPairSync('rsa', { modulusLength: 1024 });

const refused = (
	name: string,
	body: string,
	status: Question['status'] = 400,
	rest: Partial<Question> = {},
): Question => ({
	name,
	path: PATH,
	headers: JSON_TYPE,
	body,
	status,
	...rest,
});

/** What a schema refuses is said in our words: theirs are of their parser, or name the kind alone. */
const SCHEMA_WORDS = { otherWords: 'of a schema' } as const;

const QUESTIONS: readonly Question[] = [
	{ name: 'health', path: '/healthz', status: 200 },
	refused('an entry', proposal(good), 201),
	refused('an entry in snake case', JSON.stringify({ hashed_rekord_request_v002: entry('snake') }), 201),
	refused('an entry whose algorithm is a number', proposal(entry('number', { details: 5 as never })), 201),
	refused('a repeat', proposal(good), { ours: 201, theirs: 409, why: 'a repeat is answered with the entry it is' }),
	refused('nothing', '', 400, SCHEMA_WORDS),
	refused('no JSON', '{', 400, SCHEMA_WORDS),
	refused('an array', '[]', 400, SCHEMA_WORDS),
	refused('an empty object', '{}', 400, SCHEMA_WORDS),
	refused('an unknown member', proposal(good, { x: 1 }), 400, SCHEMA_WORDS),
	refused('one member under both its names', proposal(good, { hashed_rekord_request_v002: good }), 400, SCHEMA_WORDS),
	refused('a digest that is not base64', proposal({ ...good, digest: '*' }), 400, SCHEMA_WORDS),
	refused('no digest', proposal({ ...good, digest: undefined }), 400, SCHEMA_WORDS),
	refused('no signature', proposal({ ...good, signature: undefined }), 400, SCHEMA_WORDS),
	refused('no verifier', proposal({ ...good, signature: { content: signature.content } }), 400, SCHEMA_WORDS),
	refused(
		'a key that is none',
		proposal({
			...good,
			signature: { ...signature, verifier: { ...signature.verifier, publicKey: { rawBytes: 'AAAA' } } },
		}),
	),
	refused('a signature over something else', proposal({ ...good, digest: entry('another').digest })),
	refused('a digest of another length', proposal({ ...good, digest: base64(new Uint8Array(20)) })),
	refused('a key of another kind than it says', proposal(entry('kind', { privateKey: p384.privateKey }))),
	refused(
		'an RSA key of 1024 bits',
		proposal(entry('short', { privateKey: rsa.privateKey, details: 'PKIX_RSA_PKCS1V15_2048_SHA256' })),
	),
	refused('five megabytes', proposal({ digest: 'A'.repeat(5 * 1024 * 1024) }), {
		ours: 413,
		theirs: 400,
		why: 'it is the status for that',
	}),
	{ name: 'another method', method: 'PUT', path: PATH, status: 501 },
	{ name: 'an unknown path', path: '/api/v2/nothing', status: 404 },
	{
		name: 'the checkpoint',
		path: '/api/v2/checkpoint',
		status: { ours: 200, theirs: 501, why: 'one process is a whole log' },
	},
	{
		name: 'a tile',
		path: '/api/v2/tile/0/000.p/1',
		status: { ours: 200, theirs: 501, why: 'one process is a whole log' },
	},
	{
		name: 'a leading slash too many',
		path: '//healthz',
		status: { ours: 200, theirs: 404, why: 'a URL may end in a slash' },
	},
];

it.each(QUESTIONS)('$name is answered alike', (question) => expectAlike(servers, question));

it('one entry has the same body and the same members on both sides', async () => {
	const body = proposal(entry('compared'));
	const [ours, theirs] = (await Promise.all(
		[servers.ours, servers.theirs].map(async (to) =>
			JSON.parse((await ask(to, { path: PATH, headers: JSON_TYPE, body })).body.toString()),
		),
	)) as [Record<string, unknown>, Record<string, unknown>];
	expect(Object.keys(ours)).toEqual(Object.keys(theirs));
	for (const name of ['canonicalizedBody', 'kindVersion', 'integratedTime', 'inclusionPromise'])
		expect(ours[name], name).toEqual(theirs[name]);
	expect(Object.keys(ours.inclusionProof as object)).toEqual(Object.keys(theirs.inclusionProof as object));
});

it.each(['ours', 'theirs'] as const)('one judge accepts entries of %s', async (side) => {
	const target = servers[side];
	const subject = logSubject(target);
	await Promise.all(
		Array.from({ length: 20 }, async () => {
			const request = subject.make('v2-hashedrekord');
			const answer = await ask(target, { path: subject.path, headers: JSON_TYPE, body: request.body });
			expect([answer.status, subject.judge(request, answer.body)]).toEqual([201, []]);
		}),
	);
	expect((await subject.settle()).complaints).toEqual([]);
});
