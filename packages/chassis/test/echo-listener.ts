/** A listener with a few small routes, which ends with its test. */
import type { AddressInfo } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { afterEach } from 'vitest';
import { DomainError } from '../src/domain-error.ts';
import { createListener, type ListenerOptions } from '../src/http/listener.ts';
import { type CapturedLog, captureLog } from './captured-log.ts';

const open: FastifyInstance[] = [];
afterEach(async () => {
	for (const app of open.splice(0)) {
		app.server.closeAllConnections();
		await app.close();
	}
});

export function listenerWith(options: Partial<ListenerOptions> = {}): { app: FastifyInstance; captured: CapturedLog } {
	const captured = captureLog();
	const app = createListener({
		name: 'public',
		logger: captured.logger,
		errors: { 'entry-refused': { status: 409, title: 'Refused' } },
		family: 'code-message',
		maxBodyBytes: 1000,
		...options,
	});
	app.get('/things/:id', async (request) => `thing ${(request.params as { id: string }).id}`);
	app.post('/echo', async (request, reply) => reply.type('application/octet-stream').send(request.body));
	app.post('/fail', async () => {
		throw new Error('the database said: password=hunter2');
	});
	app.post('/database-away', async () => {
		const code = '57P03';
		throw Object.assign(new Error('the database system is starting up'), { code, severity: 'FATAL' });
	});
	app.post('/refuse', async () => {
		throw new DomainError('entry-refused', 'no', { cause: new Error('inner reason') });
	});
	open.push(app);
	return { app, captured };
}

export async function portOf(app: FastifyInstance): Promise<number> {
	await app.listen({ host: '127.0.0.1', port: 0 });
	return (app.server.address() as AddressInfo).port;
}
