/** The TUF repository: files by name, and what only an operator may publish. */
import { createHash } from 'node:crypto';
import { tufStatus } from '@chancery/wire/status';
import { expect } from 'vitest';
import { strangers } from './admin-routes.ts';
import type { Example } from './cell.ts';
import { type ProbeRequest, send } from './probe.ts';
import type { Subject } from './subject.ts';
import { PROBLEM, type Refusal, TEXT } from './wires.ts';

const NOT_FOUND: Refusal = { status: 404 };
const REFUSED: Refusal = { status: 400 };
/** Times that do not exist, or that clients read differently. */
const NO_TIMES = [
	'2027-02-30T00:00:00Z',
	'2027-02-29T00:00:00Z',
	'2027-13-01T00:00:00Z',
	'2027-01-01T24:00:00Z',
	'2027-06-30T23:59:60Z',
	'0000-01-01T00:00:00Z',
	'2027-01-01T00:00:00.000Z',
	'2027-01-01T00:00:00+00:00',
	'2027-01-01',
	'',
];

export async function tufExamples(subject: Subject): Promise<Example[]> {
	const read = async (path: string) => (await send(subject.urls.tuf, { method: 'GET', path })).body;
	const root = JSON.parse(String(await read('/root.json')));
	const snapshot = JSON.parse(
		String(
			await read(
				`/${JSON.parse(String(await read('/timestamp.json'))).signed.meta['snapshot.json'].version}.snapshot.json`,
			),
		),
	);
	const targets = JSON.parse(String(await read(`/${snapshot.signed.meta['targets.json'].version}.targets.json`)));
	const hash = targets.signed.targets['trusted_root.json'].hashes.sha256 as string;
	const file = (
		route: string,
		path: string,
		type: string,
		names: readonly string[],
		look: (body: Buffer) => void,
	): Example => ({
		route: `tuf public GET ${route}`,
		wire: TEXT,
		request: async () => ({ method: 'GET', path }),
		accepted: { status: 200, type, look: ({ body }) => look(body) },
		parameter: { values: Object.fromEntries(names.map((name) => [name, NOT_FOUND])) },
	});
	const target = (prefix: string) =>
		file(
			`${prefix}/:file`,
			`${prefix}/${hash}.trusted_root.json`,
			'application/octet-stream',
			[
				'trusted_root.json',
				hash,
				`${hash}.`,
				`${hash}.../x`,
				`${hash.toUpperCase()}.trusted_root.json`,
				`${'0'.repeat(64)}.trusted_root.json`,
				'%2e%2e%2ftimestamp.json',
				'-1',
			],
			(body) => expect(createHash('sha256').update(body).digest('hex')).toBe(hash),
		);
	const metadata = [
		'0.root.json',
		'-1.root.json',
		'01.root.json',
		'1.5.root.json',
		'999999999.root.json',
		'9999999999999999999999.root.json',
		'1e0.root.json',
	];
	const others = [
		'snapshot.json',
		'1.timestamp.json',
		'root.json%20',
		'ROOT.JSON',
		'%2e%2e',
		'%2e%2e%2froot.json',
		'1.root.json.bak',
		'surprise',
	];
	return [
		file('/:file', '/timestamp.json', 'application/json', [...metadata, ...others], (body) =>
			expect(JSON.parse(String(body)).signed._type).toBe('timestamp'),
		),
		target('/targets'),
		{
			route: 'tuf public GET /status',
			wire: TEXT,
			request: async () => ({ method: 'GET', path: '/status' }),
			accepted: {
				status: 200,
				type: 'application/json',
				look: ({ body }) => {
					const { ready, roles } = tufStatus.parse(JSON.parse(String(body)));
					expect([ready, roles.root?.version, roles.root?.expires]).toEqual([
						true,
						1,
						root.signed.expires.replace('Z', '.000Z'),
					]);
				},
			},
		},
		...publishing(subject, root, targets),
	];
}

/** Nothing valid is published here: metadata that was published before is what a repeated command would send. */
function publishing(
	subject: Subject,
	root: { signed: object; signatures: object[] },
	targets: { signed: object; signatures: object[] },
): Example[] {
	const post = (path: string, body: object): ProbeRequest => ({
		method: 'POST',
		path,
		headers: { authorization: `Bearer ${subject.secrets.operator}`, 'content-type': 'application/json' },
		body: JSON.stringify(body),
	});
	const repeated = {
		status: 409,
		type: 'application/problem+json',
		look: ({ body }: { body: Buffer }) => expect(JSON.parse(String(body)).reason).toBe('wrong-version'),
	};
	const common = { wire: PROBLEM, accepted: repeated };
	const json = {
		kind: 'json',
		noBody: REFUSED,
		nullBody: REFUSED,
		otherType: 'accepted',
		noType: 'accepted',
		unknown: REFUSED,
		isRoomy: true,
	} as const;
	const forged = (metadata: { signed: object }) => ({
		...metadata,
		signatures: [{ keyid: '0'.repeat(64), sig: '00' }],
	});
	const own = (path: string, bodies: Readonly<Record<string, object>>) =>
		Object.entries(bodies).map(([name, body]) => ({
			name,
			request: async () => post(path, body),
			expected: { status: 409 },
		}));
	const guarded = (path: string, body: object) => strangers(subject, post(path, body), true);
	return [
		{
			...common,
			route: 'tuf admin POST /admin/v1/roots',
			request: async () => post('/admin/v1/roots', { root }),
			body: {
				...json,
				fields: [
					{ path: 'root', is: 'object', absent: REFUSED },
					{ path: 'root.signed', is: 'object', absent: REFUSED },
					{ path: 'root.signatures', is: 'array', absent: REFUSED },
				],
			},
			own: [
				...guarded('/admin/v1/roots', { root }),
				...own('/admin/v1/roots', { 'the published root without signatures': { root: { ...root, signatures: [] } } }),
				...[-1, 0, 1.5, '1', 1e300].map((version) => ({
					name: `a root of version ${JSON.stringify(version)}`,
					request: async () => post('/admin/v1/roots', { root: { ...root, signed: { ...root.signed, version } } }),
					expected: REFUSED,
				})),
				...NO_TIMES.map((expires) => ({
					name: `a root that expires at ${expires}`,
					request: async () =>
						post('/admin/v1/roots', { root: { ...root, signed: { ...root.signed, version: 2, expires } } }),
					expected: REFUSED,
				})),
				{
					name: 'the next root signed by nobody we know',
					request: async () =>
						post('/admin/v1/roots', { root: forged({ ...root, signed: { ...root.signed, version: 2 } }) }),
					expected: { status: 403 },
				},
			],
		},
		{
			...common,
			route: 'tuf admin POST /admin/v1/targets',
			request: async () => post('/admin/v1/targets', { targets, files: [] }),
			body: {
				...json,
				fields: [
					{ path: 'targets', is: 'object', absent: REFUSED },
					{ path: 'targets.signed', is: 'object', absent: REFUSED },
					{ path: 'targets.signatures', is: 'array', absent: REFUSED },
					{ path: 'files', is: 'array', absent: REFUSED },
				],
			},
			own: [
				...guarded('/admin/v1/targets', { targets, files: [] }),
				...NO_TIMES.map((expires) => ({
					name: `targets that expire at ${expires}`,
					request: async () =>
						post('/admin/v1/targets', {
							targets: { ...targets, signed: { ...targets.signed, version: 2, expires } },
							files: [],
						}),
					expected: REFUSED,
				})),
				{
					name: 'the next targets signed by nobody we know',
					request: async () =>
						post('/admin/v1/targets', { targets: forged({ signed: { ...targets.signed, version: 2 } }), files: [] }),
					expected: { status: 403 },
				},
				{
					name: 'a file that is not base64',
					request: async () => post('/admin/v1/targets', { targets, files: [{ name: 'a', content: '!' }] }),
					expected: REFUSED,
				},
			],
		},
		{
			...common,
			route: 'tuf admin POST /admin/v1/adoptions',
			request: async () => post('/admin/v1/adoptions', { timestamp: 1_000_000, reason: 'a test' }),
			body: {
				...json,
				fields: [
					{ path: 'timestamp', is: 'number', absent: REFUSED },
					{ path: 'reason', is: 'text', absent: REFUSED },
				],
			},
			own: guarded('/admin/v1/adoptions', { timestamp: 1_000_000, reason: 'a test' }),
		},
		{
			...common,
			route: 'tuf admin POST /admin/v1/proposals',
			request: async () => post('/admin/v1/proposals', {}),
			accepted: {
				status: 200,
				type: 'application/json',
				look: ({ body }) => expect(Object.keys(JSON.parse(String(body)))).toEqual(['isChange', 'targets', 'files']),
			},
			body: { ...json, fields: [] },
			own: guarded('/admin/v1/proposals', {}),
		},
	];
}
