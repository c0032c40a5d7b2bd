/** The certificate transparency log: RFC 6962 and the tiles of static-ct. */
import { createHash } from 'node:crypto';
import { parsePrecertExtraData } from '@chancery/core/ct';
import { ctLogStatus } from '@chancery/wire/status';
import { expect } from 'vitest';
import type { Example, Expected, OwnCell, QueryParameter } from './cell.ts';
import { type HostileCertificate, hostileCertificates } from './hostile-certificates.ts';
import { tileNames } from './log-v2-routes.ts';
import { type Answer, type ProbeRequest, send } from './probe.ts';
import { freshKey, issueCertificate, spkiOf } from './signing.ts';
import type { Subject } from './subject.ts';
import { type Refusal, TEXT } from './wires.ts';

const JSON_TYPE = { 'content-type': 'application/json' };
const REFUSED: Refusal = { status: 400 };
const NOT_FOUND: Refusal = { status: 404 };

interface Entry {
	readonly leaf_input: string;
	readonly extra_data: string;
}

export async function ctlogExamples(subject: Subject, foreign: Subject): Promise<Example[]> {
	const base = subject.urls.ctlog;
	const read = async (path: string) => JSON.parse(String((await send(base, { method: 'GET', path })).body));
	const { chain } = await issueCertificate(subject);
	const { chain: foreignChain } = await issueCertificate(foreign);
	const { entries } = (await read('/ct/v1/get-entries?start=0&end=0')) as { entries: Entry[] };
	const [entry = { leaf_input: '', extra_data: '' }] = entries;
	const precertificate = parsePrecertExtraData(Buffer.from(entry.extra_data, 'base64'));
	const precertChain = [precertificate.precertificate, ...precertificate.chain].map((der) =>
		Buffer.from(der).toString('base64'),
	);
	const { tree_size: size } = await read('/ct/v1/get-sth');
	const leafHash = createHash('sha256')
		.update(Buffer.of(0))
		.update(Buffer.from(entry.leaf_input, 'base64'))
		.digest('base64');
	const issuer = createHash('sha256')
		.update(Buffer.from(chain[1] ?? '', 'base64'))
		.digest('hex');
	await send(base, add('/ct/v1/add-chain', chain));

	const get = (
		path: string,
		at: string,
		type: string,
		look: (answer: Answer) => void,
		more: Partial<Example> = {},
	): Example => ({
		route: `ctlog public GET ${path}`,
		wire: TEXT,
		request: async () => ({ method: 'GET', path: at }),
		accepted: { status: 200, type, look },
		...more,
	});
	const has =
		(...names: string[]) =>
		({ body }: Answer) =>
			expect(Object.keys(JSON.parse(String(body)))).toEqual(names);
	const json = (path: string, query: string, names: string[], parameters: readonly QueryParameter[]) =>
		get(path, path + query, 'application/json', has(...names), { query: parameters });
	const index = (name: string, huge: Expected): QueryParameter => ({
		name,
		is: 'index',
		bad: REFUSED,
		huge,
		absent: REFUSED,
	});

	return [
		submission('/ct/v1/add-chain', chain, [
			['a precertificate', precertChain],
			['a chain of another instance', foreignChain],
			['another leaf before our issuers', [foreignChain[0] ?? '', ...chain.slice(1)]],
			...brokenChains(chain),
		]),
		submission('/ct/v1/add-pre-chain', precertChain, [['a final certificate', chain], ...brokenChains(precertChain)]),
		json('/ct/v1/get-sth', '', ['tree_size', 'timestamp', 'sha256_root_hash', 'tree_head_signature'], []),
		json(
			'/ct/v1/get-sth-consistency',
			'?first=1&second=1',
			['consistency'],
			[index('first', REFUSED), index('second', REFUSED)],
		),
		json('/ct/v1/get-entries', '?start=0&end=0', ['entries'], [index('start', REFUSED), index('end', 'accepted')]),
		json(
			'/ct/v1/get-entry-and-proof',
			`?leaf_index=0&tree_size=${size}`,
			['leaf_input', 'extra_data', 'audit_path'],
			[index('leaf_index', REFUSED), index('tree_size', REFUSED)],
		),
		json(
			'/ct/v1/get-proof-by-hash',
			`?hash=${encodeURIComponent(leafHash)}&tree_size=${size}`,
			['leaf_index', 'audit_path'],
			[{ name: 'hash', is: 'base64', bad: REFUSED, absent: REFUSED }, index('tree_size', NOT_FOUND)],
		),
		{
			...json(
				'/ct/v1/get-proof-by-hash',
				`?hash=${encodeURIComponent(leafHash)}&tree_size=${size}`,
				['leaf_index', 'audit_path'],
				[],
			),
			variant: 'ranges',
			own: (
				[
					['get-proof-by-hash', `hash=${'A'.repeat(43)}%3D&tree_size=1`, NOT_FOUND],
					['get-proof-by-hash', `hash=${encodeURIComponent(leafHash)}&tree_size=0`, REFUSED],
					['get-sth-consistency', 'first=2&second=1', REFUSED],
					['get-sth-consistency', `first=1&second=${size + 100_000}`, REFUSED],
					['get-entries', 'start=1&end=0', REFUSED],
					['get-entries', `start=${size + 100_000}&end=${size + 100_000}`, REFUSED],
					['get-entry-and-proof', 'leaf_index=0&tree_size=0', REFUSED],
					['get-entry-and-proof', `leaf_index=${size}&tree_size=${size}`, REFUSED],
				] as const
			).map(([call, query, expected]) => ({
				name: `${call} with ${query}`,
				request: async () => ({ method: 'GET', path: `/ct/v1/${call}?${query}` }),
				expected,
			})),
		},
		get('/ct/v1/get-roots', '/ct/v1/get-roots', 'application/json', has('certificates')),
		get('/status', '/status', 'application/json', ({ body }) =>
			expect(ctLogStatus.parse(JSON.parse(String(body)))).toMatchObject({ ready: true, mode: 'development' }),
		),
		get('/log.v3.json', '/log.v3.json', 'application/json', has('description', 'log_id', 'key', 'url', 'mmd')),
		get('/checkpoint', '/checkpoint', 'text/plain; charset=utf-8', ({ body }) =>
			expect(String(body)).toMatch(/\n\n— /),
		),
		get(
			'/tile/*',
			`/tile/0/000.p/${size}`,
			'application/octet-stream',
			({ body }) => expect(body.length).toBe(32 * size),
			{
				parameter: {
					values: {
						...tileNames(size, NOT_FOUND),
						'entries/000': NOT_FOUND,
						'data/998': NOT_FOUND,
						'data/999.p/1': NOT_FOUND,
					},
				},
			},
		),
		get(
			'/issuer/:fingerprint',
			`/issuer/${issuer}`,
			'application/pkix-cert',
			({ body }) => expect(body[0]).toBe(0x30),
			{
				longerPath: { slash: REFUSED },
				parameter: {
					values: {
						[issuer.toUpperCase()]: REFUSED,
						['0'.repeat(64)]: NOT_FOUND,
						[issuer.slice(1)]: REFUSED,
						'%2e%2e': REFUSED,
						'-1': REFUSED,
					},
				},
			},
		),
	];
}

function submission(
	path: string,
	chain: readonly string[],
	bad: readonly (readonly [name: string, chain: readonly unknown[]])[],
): Example {
	const own: OwnCell[] = bad.map(([name, ders]) => ({ name, request: async () => add(path, ders), expected: REFUSED }));
	const strict = {
		alphabet: REFUSED,
		noPadding: REFUSED,
		extraPadding: REFUSED,
		urlSafe: REFUSED,
		space: REFUSED,
		lineEnd: REFUSED,
	};
	const names = ['sct_version', 'id', 'timestamp', 'extensions', 'signature'];
	let first: string | undefined;
	return {
		route: `ctlog public POST ${path}`,
		wire: TEXT,
		request: async () => add(path, chain),
		accepted: {
			status: 200,
			type: 'application/json',
			// The one chain is submitted in each of these cells: its first receipt is its only one.
			look: ({ body }) => {
				expect(Object.keys(JSON.parse(String(body)))).toEqual(names);
				first ??= String(body);
				expect(String(body)).toBe(first);
			},
		},
		body: {
			kind: 'json',
			noBody: REFUSED,
			nullBody: REFUSED,
			unknown: 'accepted',
			otherType: 'accepted',
			noType: 'accepted',
			fields: [
				{ path: 'chain', is: 'array', absent: REFUSED },
				{ path: 'chain.0', is: 'text', absent: REFUSED, base64: strict, der: REFUSED },
				{ path: 'chain.1', is: 'text', absent: REFUSED, base64: strict, der: REFUSED },
			],
		},
		own,
	};
}

function brokenChains(chain: readonly string[]): (readonly [name: string, chain: readonly string[]])[] {
	const [leaf = '', issuing = '', root = ''] = chain;
	const flipped = Buffer.from(leaf, 'base64');
	flipped[flipped.length - 1] = (flipped.at(-1) ?? 0) ^ 1;
	const { der: tooMany } = hostileCertificates(spkiOf(freshKey()))['2,000 extensions'] as HostileCertificate;
	const pem = `-----BEGIN CERTIFICATE-----\n${leaf}\n-----END CERTIFICATE-----\n`;
	return [
		['an empty chain', []],
		['the chain in reverse', [root, issuing, leaf]],
		['a chain without its issuing certificate', [leaf, root]],
		['the leaf twice', [leaf, leaf, issuing, root]],
		['the leaf alone', [leaf]],
		['eleven certificates', Array(11).fill(leaf)],
		['a leaf with a changed signature', [flipped.toString('base64'), issuing, root]],
		['PEM in base64', [Buffer.from(pem).toString('base64'), issuing, root]],
		['PEM', [pem, issuing, root]],
		['an empty certificate', ['', issuing, root]],
		['a leaf with 2,000 extensions', [tooMany.toString('base64'), issuing, root]],
	];
}

function add(path: string, chain: readonly unknown[]): ProbeRequest {
	return { method: 'POST', path, headers: JSON_TYPE, body: JSON.stringify({ chain }) };
}
