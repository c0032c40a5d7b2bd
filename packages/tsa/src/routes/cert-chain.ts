/** GET /api/v1/timestamp/certchain and /ping: what never changes while the process runs. */
import { mount } from '@chancery/chassis/http/mount';
import { getTimestampCertChain, ping } from '@chancery/wire/tsa';
import type { FastifyInstance } from 'fastify';

export function mountCertChain(app: FastifyInstance, chainPem: string): void {
	mount(app, getTimestampCertChain, () => ({
		status: 200,
		headers: { 'cache-control': 'max-age=86400, immutable' },
		body: chainPem,
	}));
	mount(app, ping, () => ({ status: 200, headers: { 'cache-control': 'no-store' }, body: '.' }));
}
