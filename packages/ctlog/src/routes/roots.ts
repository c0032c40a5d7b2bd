/** GET /ct/v1/get-roots, and on the admin listener POST /admin/v1/roots. */
import { requireRole } from '@chancery/chassis/admin';
import { mount } from '@chancery/chassis/mount';
import { toBase64 } from '@chancery/core/bytes';
import { getRoots, registerRoot as registerRootRoute } from '@chancery/wire/ct';
import type { FastifyInstance } from 'fastify';
import type { AcceptedRoots } from '../domain/accepted-roots.ts';
import { type RegisterDeps, registerRoot } from '../domain/register-root.ts';
import { LATEST } from './cache-headers.ts';

export function mountRoots(app: FastifyInstance, roots: AcceptedRoots): void {
	mount(app, getRoots, async () => ({
		status: 200,
		headers: LATEST,
		body: { certificates: (await roots.list()).map(toBase64) },
	}));
}

export function mountRegisterRoot(app: FastifyInstance, deps: RegisterDeps): void {
	mount(app, registerRootRoute, async ({ body }, request) => {
		const caller = requireRole(request, 'operator', 'service');
		const { fingerprint, added } = await registerRoot(deps, body, caller.name);
		return { status: added ? 201 : 200, body: { sha256: fingerprint, added } };
	});
}
