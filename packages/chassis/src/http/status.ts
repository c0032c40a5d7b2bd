/**
 * The public status of a service. Strangers ask, as often as they like: it is made once a second at most, is small, and
 * may be cached for seconds by whoever stands between.
 */
import type { Route } from '@chancery/wire/route';
import type { FastifyInstance } from 'fastify';
import type { z } from 'zod';
import { DomainError } from '../domain-error.ts';
import { mount, type Reply } from './mount.ts';

/** A status is at most this old when it leaves. */
const MAX_AGE_MS = 1_000;
const CACHE_SECONDS = 5;

/**
 * Mounts the status of a service on a listener for clients. Pages of any origin may read it.
 * @param make never asked a second time before it has answered; while it fails, so does the route (503)
 */
export function mountStatus<Status extends { readonly ready: boolean }>(
	app: FastifyInstance,
	route: Route & { readonly replies: { readonly 200: z.ZodType<Status> } },
	make: () => Promise<NoInfer<Status>>,
): void {
	let last: { readonly status: Status; readonly atMs: number } | undefined;
	let making: Promise<Status> | undefined;
	const makeNow = async (): Promise<Status> => {
		try {
			const status = await make();
			last = { status, atMs: performance.now() };
			return status;
		} catch (cause) {
			if (cause instanceof DomainError) throw cause;
			// Why is for the log: a driver's words name hosts and users.
			throw new DomainError('unavailable', 'the status is not known now; try again', { retryAfterSeconds: 1, cause });
		} finally {
			making = undefined;
		}
	};
	const recent = (): Promise<Status> | Status => {
		if (last !== undefined && performance.now() - last.atMs < MAX_AGE_MS) return last.status;
		making ??= makeNow();
		return making;
	};
	mount(app, route, async () => {
		const status = await recent();
		const headers = { 'cache-control': `public, max-age=${CACHE_SECONDS}`, 'access-control-allow-origin': '*' };
		const body = { ...status, ready: status.ready && !app.chassis.isDraining };
		return { status: 200, headers, body } as unknown as Reply<typeof route>;
	});
}
