/** The admin listener of each service: health, metrics, trust reports; a bearer token for everything but the probes. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SERVICES } from '@chancery/stack/services';
import { expect } from 'vitest';
import { createAuthority } from '../crash/precertificates.ts';
import type { Example, OwnCell } from './cell.ts';
import { type Answer, type ProbeRequest, send } from './probe.ts';
import type { Subject } from './subject.ts';
import { PROBLEM, type Refusal } from './wires.ts';

const NO_TOKEN: Refusal = { status: 401 };
const FORBIDDEN: Refusal = { status: 403 };
const INVALID_REPORT: Refusal = { status: 422 };
const REFUSED: Refusal = { status: 400 };

export async function adminExamples(subject: Subject): Promise<Example[]> {
	const authorization = `Bearer ${subject.secrets.operator}`;
	const get = (service: string, path: string, type: string, look: (text: string) => void): Example => {
		const request = { method: 'GET', path, headers: { authorization } };
		return {
			route: `${service} admin GET ${path}`,
			wire: PROBLEM,
			request: async () => request,
			accepted: { status: 200, type, look: ({ body }) => look(String(body)) },
			own: strangersAt(path, subject, request),
		};
	};
	const examples = SERVICES.flatMap(({ definition: { name: service, trustReports } }) => [
		get(service, '/healthz', 'application/json; charset=utf-8', (text) =>
			expect(JSON.parse(text)).toEqual({ status: 'SERVING' }),
		),
		get(service, '/readyz', 'application/json; charset=utf-8', (text) => expect(JSON.parse(text).ready).toBe(true)),
		get(service, '/metrics', 'text/plain; version=0.0.4; charset=utf-8', (text) => expect(text).toMatch(/^# HELP /)),
		...trustReports.map((path) =>
			get(service, path, 'application/json', (text) =>
				expect(Object.keys(JSON.parse(text))).toEqual(['payload', 'publicKey', 'signature']),
			),
		),
	]);
	return [...examples, recordExample(subject, authorization), ...(await rootExamples(subject, authorization))];
}

/** Who signed in is for operators alone. */
function recordExample(subject: Subject, authorization: string): Example {
	const path = '/admin/v1/events';
	const request = { method: 'GET', path, headers: { authorization } };
	const bad = (name: string, query: string): OwnCell => ({
		name,
		request: async () => ({ ...request, path: `${path}?${query}` }),
		expected: REFUSED,
	});
	return {
		route: `identity admin GET ${path}`,
		wire: PROBLEM,
		request: async () => request,
		accepted: {
			status: 200,
			type: 'application/json',
			look: ({ body }) => expect(Object.keys(JSON.parse(String(body)))).toEqual(['events', 'next']),
		},
		own: [
			...strangers(subject, request, true),
			bad('no events', 'limit=0'),
			bad('more events than a page has', 'limit=1001'),
			bad('a part of an event', 'limit=1.5'),
			bad('a cursor that is too long', `cursor=${'1'.repeat(101)}`),
			bad('nobody', 'subject='),
		],
	};
}

/** A probe needs no token; one that is shown at `/readyz` must mean something. */
function strangersAt(path: string, subject: Subject, request: ProbeRequest): OwnCell[] {
	if (path === '/healthz') return [];
	const cells = strangers(subject, request);
	if (path !== '/readyz') return cells;
	return cells.map((cell) => (cell.name === 'no token' ? { ...cell, expected: 'accepted' as const } : cell));
}

/** Whoever has no token, or one that means nothing here. */
export function strangers(subject: Subject, request: ProbeRequest, forbidsService = false): OwnCell[] {
	const by = (name: string, authorization: string | undefined, expected: OwnCell['expected']): OwnCell => {
		const { authorization: _own, ...headers } = request.headers ?? {};
		const sent = { ...request, headers: authorization === undefined ? headers : { ...headers, authorization } };
		return { name, request: async () => sent, expected };
	};
	const { operator, service, developmentToken } = subject.secrets;
	return [
		by('no token', undefined, NO_TOKEN),
		by('an empty token', 'Bearer ', NO_TOKEN),
		by('a token that is none', 'Bearer surprise', NO_TOKEN),
		by('the token without its scheme', operator, NO_TOKEN),
		by('the token as Basic', `Basic ${Buffer.from(`up:${operator}`).toString('base64')}`, NO_TOKEN),
		by('the token cut short', `Bearer ${operator.slice(0, -1)}`, NO_TOKEN),
		by('a token of 5,000 characters', `Bearer ${'a'.repeat(5_000)}`, NO_TOKEN),
		by('the secret of development tokens', `Bearer ${developmentToken}`, NO_TOKEN),
		by('the token of a service', `Bearer ${service}`, forbidsService ? FORBIDDEN : 'accepted'),
	];
}

async function rootExamples(subject: Subject, authorization: string): Promise<Example[]> {
	const headers = { authorization, 'content-type': 'application/json' };
	const reportOf = async (service: 'ca' | 'tsa') => {
		const answer: Answer = await send(subject.listeners[`${service} admin`] ?? '', {
			method: 'GET',
			path: '/admin/v1/trust',
			headers: { authorization },
		});
		return JSON.parse(String(answer.body)) as { payload: string; publicKey: string; signature: string };
	};
	const [report, ofTsa] = [await reportOf('ca'), await reportOf('tsa')];
	const post = (body: object, path = '/admin/v1/roots'): ProbeRequest => ({
		method: 'POST',
		path,
		headers,
		body: JSON.stringify(body),
	});
	// Another authority, whose root is there to be retired.
	const second = await anotherAuthority();
	const listener = subject.listeners['ctlog admin'] ?? '';
	const added = JSON.parse(String((await send(listener, post(second.report))).body)) as { sha256: string };
	const retire = (body: object = { reason: 'ended' }, name = added.sha256) =>
		post(body, `/admin/v1/roots/${name}/retire`);
	const retireCell = (name: string, request: ProbeRequest, expected: OwnCell['expected']): OwnCell => ({
		name,
		request: async () => request,
		expected,
	});
	const bad = (name: string, body: object): OwnCell => ({
		name,
		request: async () => post(body),
		expected: INVALID_REPORT,
	});
	const strict = {
		alphabet: REFUSED,
		noPadding: REFUSED,
		extraPadding: REFUSED,
		urlSafe: REFUSED,
		space: REFUSED,
		lineEnd: REFUSED,
	};
	const registration: Example = {
		route: 'ctlog admin POST /admin/v1/roots',
		wire: PROBLEM,
		// A report counts once, so that each request has its own.
		request: async () => post(await reportOf('ca')),
		accepted: {
			status: 200,
			type: 'application/json',
			look: ({ body }) => expect(JSON.parse(String(body)).added).toBe(false),
		},
		body: {
			kind: 'json',
			noBody: REFUSED,
			nullBody: REFUSED,
			unknown: 'accepted',
			snakeCase: REFUSED,
			otherType: 'accepted',
			noType: 'accepted',
			fields: [
				{ path: 'payload', is: 'text', absent: REFUSED },
				{ path: 'publicKey', is: 'text', absent: REFUSED, der: INVALID_REPORT, base64: strict },
				{ path: 'signature', is: 'text', absent: REFUSED, der: INVALID_REPORT },
			],
		},
		own: [
			...strangers(subject, post(report), true),
			bad('the report of an authority of another kind', ofTsa),
			bad('a report signed by another key', { ...report, signature: ofTsa.signature }),
			bad('a report of another key', { ...report, publicKey: ofTsa.publicKey }),
			bad('a payload that is no JSON', { ...report, payload: 'AAAA' }),
			{
				name: 'a report that was acted on before',
				request: async () => post(second.report),
				expected: { status: 409 },
			},
			...['true', ''].map((value) => ({
				name: `reinstate=${value}`,
				request: async () => post(await reportOf('ca'), `/admin/v1/roots?reinstate=${value}`),
				expected: value === 'true' ? ('accepted' as const) : REFUSED,
			})),
		],
	};
	const retirement: Example = {
		route: 'ctlog admin POST /admin/v1/roots/:sha256/retire',
		wire: PROBLEM,
		request: async () => retire(),
		accepted: {
			status: 200,
			type: 'application/json',
			look: ({ body }) => expect(Object.keys(JSON.parse(String(body)))).toEqual(['sha256', 'retiredAt']),
		},
		body: {
			kind: 'json',
			noBody: REFUSED,
			nullBody: REFUSED,
			unknown: REFUSED,
			otherType: 'accepted',
			noType: 'accepted',
			fields: [{ path: 'reason', is: 'text', absent: REFUSED }],
		},
		own: [
			...strangers(subject, retire(), true),
			retireCell('a reason of nothing but spaces', retire({ reason: '  ' }), REFUSED),
			retireCell('a reason of 501 characters', retire({ reason: 'a'.repeat(501) }), REFUSED),
			retireCell('a root that was never accepted', retire(undefined, '0'.repeat(64)), { status: 404 }),
			...['surprise', added.sha256.toUpperCase(), added.sha256.slice(1), `${added.sha256}0`].map((name) =>
				retireCell(`the root ${name.slice(0, 20)}`, retire(undefined, name), REFUSED),
			),
		],
	};
	const listing = { method: 'GET', path: '/admin/v1/roots', headers: { authorization } };
	return [
		registration,
		retirement,
		{
			route: 'ctlog admin GET /admin/v1/roots',
			wire: PROBLEM,
			request: async () => listing,
			accepted: {
				status: 200,
				type: 'application/json',
				look: ({ body }) => expect(JSON.parse(String(body)).roots.length).toBeGreaterThan(1),
			},
			own: strangers(subject, listing),
		},
	];
}

async function anotherAuthority(): Promise<{ report: object }> {
	const folder = await mkdtemp(join(tmpdir(), 'chancery-authority-'));
	try {
		return { report: await (await createAuthority(join(folder, 'key'))).report() };
	} finally {
		await rm(folder, { recursive: true });
	}
}
