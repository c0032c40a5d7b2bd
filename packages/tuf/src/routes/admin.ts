/** What an operator publishes. This code cannot sign for root or targets: it only checks and stores. */
import { OPERATORS } from '@chancery/chassis/http/admin';
import { mount } from '@chancery/chassis/http/mount';
import { adoptRepository, proposeTargets, publishRoot, publishTargets } from '@chancery/wire/tuf';
import type { FastifyInstance } from 'fastify';
import { proposeTargets as propose } from '../domain/propose-targets.ts';
import * as publish from '../domain/publish.ts';
import type { PublishedVersions } from '../domain/published-versions.ts';

export function mountAdmin(app: FastifyInstance, deps: publish.TufDeps): void {
	mount(
		app,
		publishRoot,
		async ({ body }) => {
			return { status: 201, body: await publish.publishRoot(deps, body.root) };
		},
		{ roles: OPERATORS },
	);
	mount(
		app,
		proposeTargets,
		async () => {
			const { isChange, targets, files } = await propose(deps);
			return { status: 200, body: { isChange, targets: { ...targets }, files: [...files] } };
		},
		{ roles: OPERATORS },
	);
	mount(
		app,
		publishTargets,
		async ({ body }) => {
			return { status: 201, body: await publish.publishTargets(deps, body.targets, body.files) };
		},
		{ roles: OPERATORS },
	);
	mount(
		app,
		adoptRepository,
		async ({ body }) => {
			const { timestamp: expect, reason, seen: stated } = body;
			const { previous, seen, adopted } = await deps.mark.adopt({ expect, reason, stated });
			return {
				status: 201,
				body: {
					previous: previous ? versionsOf(previous) : null,
					seen: Object.fromEntries(seen),
					adopted: versionsOf(adopted),
				},
			};
		},
		{ roles: OPERATORS },
	);
}

function versionsOf(versions: PublishedVersions): Record<string, number> {
	return Object.fromEntries([...versions].map(([role, { version }]) => [role, version]));
}
