import { REFUSALS, type RefusalFamily } from '@chancery/wire/refusal';
import { describe, expect, it } from 'vitest';
import { DomainError } from '../domain-error.ts';
import { type ErrorTable, isUnexpected, renderError } from './error-rendering.ts';

const ERRORS: ErrorTable = {
	'entry-exists': { status: 409, title: 'The entry exists' },
	'no-quorum': { status: 503, title: 'Witnesses are missing' },
	'method-not-allowed': { status: 501, title: 'Method Not Allowed', grpcCode: 12 },
};

const render = (error: unknown, family: RefusalFamily = 'problem') =>
	renderError(error, { errors: ERRORS, family, requestId: 'r-1' });

describe('a domain error', () => {
	const error = new DomainError('entry-exists', 'it is at index 7', { headers: { Location: '/7' } });

	it.each<[RefusalFamily, string, unknown]>([
		[
			'grpc-gateway',
			'application/json',
			{
				code: 6,
				message: 'it is at index 7',
				details: [
					{
						'@type': 'type.googleapis.com/google.rpc.ErrorInfo',
						reason: 'entry-exists',
						domain: 'chancery',
						metadata: { requestId: 'r-1' },
					},
				],
			},
		],
		[
			'code-message',
			'application/json',
			{ code: 409, message: 'it is at index 7', reason: 'entry-exists', requestId: 'r-1' },
		],
		[
			'problem',
			'application/problem+json',
			{
				type: 'urn:chancery:problem:entry-exists',
				title: 'The entry exists',
				status: 409,
				detail: 'it is at index 7',
				instance: 'urn:chancery:request:r-1',
				reason: 'entry-exists',
			},
		],
	])('has the body of the family %s', (family, contentType, body) => {
		const rendered = render(error, family);
		expect(rendered.status).toBe(409);
		expect(rendered.headers).toMatchObject({ 'content-type': contentType, 'x-request-id': 'r-1', location: '/7' });
		expect(JSON.parse(rendered.body)).toEqual(body);
	});

	it.each(Object.keys(REFUSALS) as RefusalFamily[])('is what the documentation of the family %s shows', (family) => {
		const { headers, body } = render(error, family);
		const documented = REFUSALS[family];
		expect(headers['content-type']).toBe(documented.contentType);
		const value: unknown = headers['content-type']?.includes('json') ? JSON.parse(body) : body;
		// Parsed values have only what the schema names, so that a member too many is seen, too.
		expect(documented.body.parse(value)).toEqual(value);
	});

	it('is its words alone as text', () => {
		const rendered = render(error, 'text');
		expect(rendered.body).toBe('it is at index 7\n');
		expect(rendered.headers['content-type']).toBe('text/plain; charset=utf-8');
	});

	it('takes its status from the table of the service before the one of the chassis', () => {
		const rendered = render(new DomainError('method-not-allowed', 'Method Not Allowed'), 'grpc-gateway');
		expect([rendered.status, JSON.parse(rendered.body).code]).toEqual([501, 12]);
	});

	it('is bounded, well-formed and without control characters, whatever it quotes', () => {
		const { body } = render(new DomainError('entry-exists', `a\u0000b\u001b[31m\ud800${'x'.repeat(100_000)}`), 'text');
		expect(body.length).toBeLessThan(5000);
		expect(body.startsWith('a b [31m\ufffdxxx')).toBe(true);
		expect(body.isWellFormed()).toBe(true);
	});
});

describe('Retry-After', () => {
	it.each([
		['entry-exists', undefined, undefined],
		['entry-exists', 3, '3'],
		['no-quorum', undefined, '1'],
		['no-quorum', 0.2, '1'],
		['no-quorum', -5, '0'],
		['overloaded', 12, '12'],
	])('of %s with %s seconds is %s', (code, retryAfterSeconds, expected) => {
		const options = retryAfterSeconds === undefined ? {} : { retryAfterSeconds };
		expect(render(new DomainError(code, 'x', options)).headers['retry-after']).toBe(expected);
	});
});

describe('an error that nobody named', () => {
	const secret = 'password=hunter2';
	const families: RefusalFamily[] = ['grpc-gateway', 'code-message', 'text', 'problem'];
	const errors: [string, unknown][] = [
		['a plain error', new Error(secret, { cause: new Error(secret) })],
		['a domain error whose code is in no table', new DomainError('made-up', secret, { headers: { 'x-a': secret } })],
		['a domain error with the name of a prototype member', new DomainError('constructor', secret)],
		['a string', secret],
		['nothing', undefined],
		['an error that dresses up', Object.assign(new Error(secret), { code: 'entry-exists', statusCode: 400 })],
	];
	it.each(errors)('is a 500 without any of its words: %s', (_, error) => {
		expect(isUnexpected(error, ERRORS)).toBe(true);
		for (const family of families) {
			const rendered = render(error, family);
			expect(rendered.status).toBe(500);
			expect(JSON.stringify(rendered)).not.toContain('hunter2');
			expect(rendered.code).toBe('internal');
		}
	});
});
