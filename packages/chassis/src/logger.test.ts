import { describe, expect, it } from 'vitest';
import { captureLog } from '../test/captured-log.ts';

const JWT = 'eyJhbGciOiJFUzI1NiJ9.eyJlbWFpbCI6ImFAYi5jIn0.c2lnbmF0dXJl';

describe('a log line', () => {
	it('names service, level, time and message', () => {
		const { logger, events } = captureLog();
		logger.warn({ port: 7402 }, 'listening');
		expect(events()).toEqual([
			{ level: 'warn', time: expect.stringMatching(/^\d{4}-.*Z$/), name: 'test', port: 7402, msg: 'listening' },
		]);
	});

	it.each<[string, object, string]>([
		['a header', { headers: { authorization: 'Bearer abcdefgh', Cookie: 'abcdefgh' } }, 'abcdefgh'],
		[
			'a named token',
			{ idToken: 'opaque-1', access_token: 'opaque-1', nested: { clientSecret: 'opaque-1' } },
			'opaque-1',
		],
		['a passphrase', { config: { keys: [{ passphrase: 'opaque-2' }] } }, 'opaque-2'],
		['a PIN', { config: { keys: [{ pin: '62951413' }] } }, '62951413'],
		['a JWT in a harmless field', { note: `got ${JWT}!` }, 'eyJ'],
		['a bearer value in text', { note: 'sent authorization: bearer AbC123._-~+/=' }, 'AbC123'],
		['a JWT in an error', { err: new Error(`refused ${JWT}`, { cause: new Error(`inner ${JWT}`) }) }, 'eyJ'],
		['claims on an error', { err: Object.assign(new Error('bad audience'), { payload: { email: 'a@b.c' } }) }, 'a@b.c'],
		[
			'claims on a nested error',
			{ failure: Object.assign(new Error('bad'), { payload: { email: 'a@b.c' } }) },
			'a@b.c',
		],
		['bytes', { leaf: new TextEncoder().encode('plain body') }, 'plain body'],
	])('does not show %s', (_, fields, needle) => {
		const { logger, lines } = captureLog();
		logger.error(fields, 'message');
		expect(lines).toHaveLength(1);
		expect(lines[0]).not.toContain(needle);
		expect(lines[0]).toContain('message');
	});

	it('does not show a token in its message', () => {
		const { logger, lines } = captureLog();
		logger.info(`exchanged ${JWT}`);
		expect(lines[0]).toContain('exchanged [redacted]');
	});

	it('keeps the names, codes and causes of errors', () => {
		const { logger, events } = captureLog();
		logger.error({ err: Object.assign(new TypeError('outer', { cause: new Error('inner') }), { code: 'E1' }) }, 'x');
		expect(events()[0]?.err).toMatchObject({
			name: 'TypeError',
			code: 'E1',
			message: 'outer',
			cause: { message: 'inner' },
		});
	});

	it('survives cycles and huge values', () => {
		const { logger, lines } = captureLog();
		const cycle: Record<string, unknown> = {};
		cycle.self = cycle;
		logger.info({ cycle, list: Array.from({ length: 5000 }, (_, i) => i) }, 'x');
		expect(lines[0]?.length).toBeLessThan(2000);
	});

	it('is text for people when asked', () => {
		const { logger, lines } = captureLog('info', false);
		logger.info({ port: 1, err: new Error('broken') }, `hello ${JWT}`);
		logger.debug('not this');
		expect(lines).toHaveLength(1);
		expect(lines[0]).toMatch(/^\d\d:\d\d:\d\d\.\d{3} INFO {2}test: hello \[redacted\] port=1\n {2}Error: broken\n/);
	});
});
