/**
 * The documents of docs/openapi against what running services really serve, in both directions.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { LISTENERS } from '@chancery/wire/listeners';
import { templateOf } from '@chancery/wire/openapi';
import { REFUSALS } from '@chancery/wire/refusal';
import { describe, expect, it } from 'vitest';
import { readRegisteredRoutes } from '../inputs/registered-routes.ts';
import { openSubject } from '../inputs/subject.ts';

/**
 * What the identity provider serves below its issuer is OAuth 2.0 and OpenID Connect, named by its discovery document,
 * and pages for people. The discovery document itself is in ours.
 */
const OF_THE_PROVIDER = /^identity public \S+ \/auth\//;
const DISCOVERY = '/auth/.well-known/openid-configuration';

const pathsOf = (document: string): Record<string, Record<string, unknown>> =>
	JSON.parse(readFileSync(join(import.meta.dirname, '../../../../docs/openapi', `${document}.json`), 'utf8')).paths;

it('documents every route that is served, and no other', async () => {
	const served = (await readRegisteredRoutes())
		.flatMap(({ service, listener, path, methods }) =>
			methods
				.filter((method) => !['HEAD', 'OPTIONS'].includes(method))
				.map((method) => `${service} ${listener} ${method} ${templateOf(path)}`),
		)
		.filter((line) => !OF_THE_PROVIDER.test(line));
	const documented = LISTENERS.flatMap(({ document, service, listener }) =>
		Object.entries(pathsOf(document)).flatMap(([path, operations]) =>
			Object.keys(operations).map((method) => `${service} ${listener} ${method.toUpperCase()} ${path}`),
		),
	);
	expect(documented.filter((line) => !OF_THE_PROVIDER.test(line)).sort()).toEqual(served.sort());
	expect(documented.filter((line) => OF_THE_PROVIDER.test(line))).toEqual([`identity public GET ${DISCOVERY}`]);
});

describe('at a running instance', () => {
	const { urls, listeners } = openSubject('instance');

	it.each(LISTENERS)('$document is refused in the shape that its document shows', async (listener) => {
		const documented = REFUSALS[listener.refusals];
		const reply = await fetch(`${listeners[`${listener.service} ${listener.listener}`]}/no/such/path`);
		expect(reply.status).toBe(listener.listener === 'admin' ? 401 : 404);
		expect(reply.headers.get('content-type')).toBe(documented.contentType);
		const text = await reply.text();
		const value: unknown = documented.contentType.includes('json') ? JSON.parse(text) : text;
		expect(documented.body.parse(value)).toEqual(value);
	});

	it('the discovery document is where ours says', async () => {
		const reply = await fetch(`${urls.identity}${DISCOVERY}`);
		expect([reply.status, ((await reply.json()) as { issuer: string }).issuer]).toEqual([200, `${urls.identity}/auth`]);
	});
});
