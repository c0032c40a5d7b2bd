/** GET /api/v1/timestamp/certchain and /ping: what never changes while the process runs. */
import { mount } from '@chancery/chassis/http/mount';
import { getTimestampCertChain, PEM_CHAIN_TYPE, ping } from '@chancery/wire/tsa';
import type { FastifyInstance } from 'fastify';

export function mountCertChain(app: FastifyInstance, chainPem: string): void {
	mount(app, getTimestampCertChain, () => ({
		status: 200,
		headers: { 'cache-control': 'max-age=86400, immutable' },
		contentType: PEM_CHAIN_TYPE,
		body: chainPem,
	}));
	mount(app, ping, () => ({ status: 200, headers: { 'cache-control': 'no-store' }, body: '.' }));
}
