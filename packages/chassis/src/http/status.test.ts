import { route } from '@chancery/wire/route';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { listenerWith } from '../../test/echo-listener.ts';
import { mountStatus } from './status.ts';

const getStatus = route({
	method: 'GET',
	path: '/status',
	summary: 'A status.',
	replies: { 200: z.strictObject({ ready: z.boolean(), size: z.int() }) },
});

describe('a public status', () => {
	it('is made once for all who ask within a second, and may be cached for seconds', async () => {
		const { app } = listenerWith();
		let made = 0;
		mountStatus(app, getStatus, async () => ({ ready: true, size: ++made }));
		const replies = await Promise.all(Array.from({ length: 100 }, () => app.inject('/status')));
		expect(new Set(replies.map(({ body }) => body))).toEqual(new Set(['{"ready":true,"size":1}']));
		expect(replies[0]?.headers).toMatchObject({
			'cache-control': 'public, max-age=5',
			'access-control-allow-origin': '*',
			'content-type': 'application/json',
		});
	});

	it('says nothing of why it cannot be made, and is made again as soon as it can', async () => {
		const { app } = listenerWith();
		let fails = true;
		mountStatus(app, getStatus, async () => {
			if (fails) throw new Error('connect ECONNREFUSED db.internal: password=hunter2');
			return { ready: true, size: 1 };
		});
		const refused = await app.inject('/status');
		expect([refused.statusCode, refused.headers['retry-after']]).toEqual([503, '1']);
		expect(refused.body).not.toMatch(/db\.internal|hunter2/);
		expect(refused.headers['cache-control']).toBe('no-store');
		fails = false;
		expect((await app.inject('/status')).statusCode).toBe(200);
	});

	it('is that of a service that is not ready while its process drains', async () => {
		const { app } = listenerWith();
		mountStatus(app, getStatus, async () => ({ ready: true, size: 1 }));
		expect((await app.inject('/status')).json().ready).toBe(true);
		app.chassis.isDraining = true;
		expect((await app.inject('/status')).json().ready).toBe(false);
	});

	it('has nothing that its schema does not name', async () => {
		const { app } = listenerWith();
		const more = { ready: true, size: 1, secret: 'x' };
		mountStatus(app, getStatus, async () => more);
		expect((await app.inject('/status')).statusCode).toBe(500);
	});
});
