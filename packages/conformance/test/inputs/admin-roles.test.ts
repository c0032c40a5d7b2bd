/**
 * Who may call which admin route: one row for every route that any service registers. A route without a row fails, and so
 * does a row whose answers are others. (That a route names its roles at all is demanded by the listener itself.)
 */
import { describe, expect, it } from 'vitest';
import { send } from './probe.ts';
import { readRegisteredRoutes } from './registered-routes.ts';
import { openSubject } from './subject.ts';

const OPEN = ['nobody', 'service', 'operator'];
/** Open, though not to a token that nobody knows. */
const PROBE = ['nobody', 'service', 'operator'];
const READERS = ['service', 'operator'];
const OPERATORS = ['operator'];
const EVERY_SERVICE = { 'GET /healthz': OPEN, 'GET /readyz': PROBE, 'GET /metrics': READERS } as const;
const REPORTS = { ...EVERY_SERVICE, 'GET /admin/v1/trust': READERS } as const;

const ROLES: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
	identity: { ...REPORTS, 'GET /admin/v1/events': OPERATORS },
	ca: REPORTS,
	log: { ...EVERY_SERVICE, 'GET /admin/v1/trust/v1': READERS, 'GET /admin/v1/trust/v2': READERS },
	ctlog: {
		...REPORTS,
		'GET /admin/v1/roots': READERS,
		'POST /admin/v1/roots': OPERATORS,
		'POST /admin/v1/roots/:sha256/retire': OPERATORS,
	},
	tsa: REPORTS,
	tuf: {
		...EVERY_SERVICE,
		'POST /admin/v1/roots': OPERATORS,
		'POST /admin/v1/proposals': OPERATORS,
		'POST /admin/v1/targets': OPERATORS,
		'POST /admin/v1/adoptions': OPERATORS,
	},
};

const subject = openSubject('instance');
const rows = Object.entries(ROLES).flatMap(([service, routes]) =>
	Object.entries(routes).map(([route, roles]) => ({ service, route, roles })),
);

it('has a row for every admin route that is registered, and none for one that is not', async () => {
	const registered = (await readRegisteredRoutes())
		.filter(({ listener }) => listener === 'admin')
		.flatMap(({ service, path, methods }) =>
			methods.filter((method) => !['HEAD', 'OPTIONS'].includes(method)).map((method) => `${service} ${method} ${path}`),
		);
	expect(rows.map(({ service, route }) => `${service} ${route}`).sort()).toEqual(registered.sort());
});

describe.each(rows)('$service $route', ({ service, route, roles }) => {
	const tokens = { nobody: undefined, stranger: 'surprise', ...subject.secrets };
	it.each(['nobody', 'stranger', 'service', 'operator'] as const)('called by %s', async (caller) => {
		const [method = '', path = ''] = route.split(' ');
		const token = tokens[caller];
		const answer = await send(subject.listeners[`${service} admin`] ?? '', {
			method,
			path: path.replace(':sha256', '0'.repeat(64)),
			headers: {
				...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
				...(method === 'POST' ? { 'content-type': 'application/json' } : {}),
			},
			// No request that does anything: who is let in is told that it is none.
			...(method === 'POST' ? { body: '[]' } : {}),
		});
		const isLetIn = roles.includes(caller) || roles === OPEN;
		if (isLetIn) expect([401, 403]).not.toContain(answer.status);
		else expect(answer.status).toBe(caller === 'service' ? 403 : 401);
	});
});
