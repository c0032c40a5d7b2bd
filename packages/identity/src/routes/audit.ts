/** GET /admin/v1/events: who signed in and who exchanged a token. */
import { OPERATORS } from '@chancery/chassis/http/admin';
import { mount } from '@chancery/chassis/http/mount';
import { type AuditEvent, listIdentityEvents } from '@chancery/wire/identity';
import type { FastifyInstance } from 'fastify';
import type { AuditPage, AuditQuery } from '../domain/audit.ts';

const DEFAULT_LIMIT = 100;

export function mountAudit(app: FastifyInstance, list: (query: AuditQuery) => Promise<AuditPage>): void {
	mount(
		app,
		listIdentityEvents,
		async ({ query: { limit, ...filter } }) => {
			const { events, next } = await list({ ...filter, limit: limit ?? DEFAULT_LIMIT });
			const body = {
				// The columns are text; what stands in them was written by this program.
				events: events.map(
					({ id: _id, happenedAt, ...event }) => ({ happenedAt: happenedAt.toISOString(), ...event }) as AuditEvent,
				),
				next: next ?? null,
			};
			return { status: 200, headers: { 'cache-control': 'no-store' }, body };
		},
		{ roles: OPERATORS },
	);
}
