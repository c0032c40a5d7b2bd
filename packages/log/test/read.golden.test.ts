import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type LogUnderTest, startLog } from './log-under-test.ts';
import { hashedRekordRequest, newKey } from './proposals.ts';

let log: LogUnderTest;
beforeAll(async () => {
	log = await startLog();
	await log.v2.inject({ method: 'POST', url: '/api/v2/log/entries', payload: hashedRekordRequest('golden', newKey()) });
});
afterAll(() => log.close());

const cases = readFileSync(new URL('read.golden.txt', import.meta.url), 'utf8')
	.split(/\n\n+/)
	.map((block) => block.split('\n').filter((line) => line !== '' && !line.startsWith('#')))
	.filter((lines) => lines.length > 0);

describe('reading the logs, as read.golden.txt has it', () => {
	it.each(cases.map((lines) => [lines[0]!, lines] as const))('%s', async (_, [request, status, ...expectations]) => {
		const [wire, method, url] = request!.split(' ') as ['v1' | 'v2', 'GET', string];
		const headers =
			(method as string) === 'OPTIONS' ? { origin: 'https://a.page', 'access-control-request-method': 'POST' } : {};
		const reply = await log[wire].inject({ method, url, headers });
		expect(String(reply.statusCode)).toBe(status);
		for (const expectation of expectations) {
			const [what, rest = ''] = expectation.split(/ (?:= ?|(?=~ )|(?=bytes ))(.*)/s);
			if (what?.startsWith('header ')) {
				expect(String(reply.headers[what.slice('header '.length)]), expectation).toBe(rest);
			} else if (what?.startsWith('no header ')) {
				expect(reply.headers, expectation).not.toHaveProperty(what.slice('no header '.length));
			} else if (what !== 'body') {
				throw new Error(`not an expectation: ${expectation}`);
			} else if (rest.startsWith('~ ')) {
				expect(reply.body, expectation).toMatch(new RegExp(rest.slice(2)));
			} else if (rest.startsWith('bytes ')) {
				expect(reply.rawPayload, expectation).toHaveLength(Number(rest.slice('bytes '.length)));
			} else {
				expect(reply.body.trimEnd(), expectation).toBe(rest);
			}
		}
	});
});
