/** GET /ct/v1/get-roots, and on the admin listener GET and POST /admin/v1/roots and POST /admin/v1/roots/:sha256/retire. */
import { callerOf, OPERATORS, READERS } from '@chancery/chassis/http/admin';
import { mount } from '@chancery/chassis/http/mount';
import { toBase64 } from '@chancery/core/bytes';
import {
	getRoots,
	listRoots,
	registerRoot as registerRootRoute,
	retireRoot as retireRootRoute,
} from '@chancery/wire/ct';
import type { FastifyInstance } from 'fastify';
import type { AcceptedRoots } from '../domain/accepted-roots.ts';
import { type RootDeps, registerRoot } from '../domain/register-root.ts';
import { type DescribedRoot, describeRoots, retireRoot } from '../domain/retire-root.ts';
import { LATEST } from './cache-headers.ts';

export function mountRoots(app: FastifyInstance, roots: AcceptedRoots): void {
	mount(app, getRoots, async () => ({
		status: 200,
		headers: LATEST,
		body: { certificates: (await roots.list()).map(toBase64) },
	}));
}

export function mountRootAdministration(app: FastifyInstance, deps: RootDeps): void {
	const register = async (
		{ body, query }: { body: Parameters<typeof registerRoot>[1]; query: { reinstate?: 'true' | undefined } },
		by: string,
	) => {
		const { fingerprint, outcome } = await registerRoot(deps, body, { by, reinstate: query.reinstate === 'true' });
		return {
			status: outcome === 'added' ? 201 : 200,
			body: { sha256: fingerprint, added: outcome === 'added', reinstated: outcome === 'reinstated' },
		} as const;
	};
	mount(app, registerRootRoute, (input, request) => register(input, callerOf(request).name), { roles: OPERATORS });

	const retire = async (sha256: string, reason: string, by: string) => {
		const { retiredAt } = await retireRoot(deps, sha256, { by, reason });
		return { status: 200, body: { sha256, retiredAt: retiredAt.toISOString() } } as const;
	};
	mount(
		app,
		retireRootRoute,
		({ params, body }, request) => retire(params.sha256, body.reason, callerOf(request).name),
		{ roles: OPERATORS },
	);

	mount(
		app,
		listRoots,
		async () => ({ status: 200, body: { roots: (await describeRoots(deps.database)).map(encodeRoot) } }),
		{ roles: READERS },
	);
}

const encodeRoot = ({ registeredAt, lastChange, ...root }: DescribedRoot) => ({
	...root,
	registeredAt: registeredAt.toISOString(),
	lastChange: lastChange && { ...lastChange, changedAt: lastChange.changedAt.toISOString() },
});
