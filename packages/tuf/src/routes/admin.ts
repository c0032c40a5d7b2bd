/** What an operator publishes. Nothing here can sign for root or targets: it only checks and stores. */
import { requireRole } from '@chancery/chassis/admin';
import { mount } from '@chancery/chassis/mount';
import { proposeTargets, publishRoot, publishTargets } from '@chancery/wire/tuf';
import type { FastifyInstance } from 'fastify';
import { proposeTargets as propose } from '../domain/propose-targets.ts';
import * as publish from '../domain/publish.ts';

export function mountAdmin(app: FastifyInstance, deps: publish.TufDeps): void {
	mount(app, publishRoot, async ({ body }, request) => {
		requireRole(request, 'operator');
		return { status: 201, body: await publish.publishRoot(deps, body.root) };
	});
	mount(app, proposeTargets, async (_input, request) => {
		requireRole(request, 'operator');
		const { isChange, targets, files } = await propose(deps);
		return { status: 200, body: { isChange, targets: { ...targets }, files: [...files] } };
	});
	mount(app, publishTargets, async ({ body }, request) => {
		requireRole(request, 'operator');
		return { status: 201, body: await publish.publishTargets(deps, body.targets, body.files) };
	});
}
