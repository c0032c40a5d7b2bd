/**
 * The second listener of each service: for operators and for the other services, never for the public. Every call names
 * its caller by a bearer token and leaves an audit line, and every route names the roles that it is for: one that does
 * not cannot be registered.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { getLiveness, getMetrics, getReadiness } from '@chancery/wire/administration';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { DomainError } from '../domain-error.ts';
import type { Logger } from '../logger.ts';
import type { Health } from '../service.ts';
import type { ErrorTable } from './error-rendering.ts';
import { createListener } from './listener.ts';
import { mountLiveness, PROBED, sendReadiness } from './probes.ts';
import { createReadiness } from './readiness.ts';

export type AdminRole = 'operator' | 'service';

export interface AdminToken {
	/** Who holds it; stands in the audit log. */
	readonly name: string;
	readonly role: AdminRole;
	/** SHA-256 of the token in hexadecimal: the configuration never holds the token itself. */
	readonly sha256: string;
}

export interface AdminCaller {
	readonly name: string;
	readonly role: AdminRole;
}

export interface AdminListenerOptions {
	readonly name: string;
	readonly logger: Logger;
	readonly tokens: readonly AdminToken[];
	readonly health: () => Promise<Health>;
	readonly errors?: ErrorTable;
	/** Default 4 MiB. */
	readonly maxBodyBytes?: number;
}

declare module 'fastify' {
	interface FastifyRequest {
		/** Set on admin listeners once the token has been recognised. */
		adminCaller: AdminCaller | null;
	}
	interface FastifyContextConfig {
		/** On an admin listener: who may call the route. */
		roles?: readonly AdminRole[];
	}
}

/** For routes that only read what any service of the instance may know. */
export const READERS: readonly AdminRole[] = ['operator', 'service'];
/** For routes that change something. */
export const OPERATORS: readonly AdminRole[] = ['operator'];

const DEFAULT_MAX_BODY_BYTES = 4 * 1024 * 1024;
const MAX_TOKEN_CHARS = 512;
/** A supervisor needs no token to learn whether the process lives and is ready. A token that is shown is looked at. */
const OPEN_ROUTES: readonly (string | undefined)[] = [getLiveness.path, getReadiness.path];

/**
 * Makes an admin listener with `GET /healthz` (open), `/readyz` (open; details with a token) and `/metrics`. Refusals are
 * problem documents.
 * @throws {TypeError} when a token digest is not 64 hexadecimal characters
 */
export function createAdminListener(options: AdminListenerOptions): FastifyInstance {
	const tokens = options.tokens.map(readToken);
	const app = createListener({
		name: options.name,
		logger: options.logger,
		errors: options.errors ?? {},
		family: 'problem',
		maxBodyBytes: options.maxBodyBytes ?? DEFAULT_MAX_BODY_BYTES,
	});
	app.decorateRequest('adminCaller', null);

	app.addHook('onRequest', (request, _reply, done) => {
		if (!request.is404 && isOpen(request)) {
			done();
			return;
		}
		request.adminCaller = authenticate(request, tokens) ?? null;
		done(request.adminCaller ? forbidden(request, request.adminCaller) : unauthenticated(request));
	});
	app.addHook('onRoute', ({ method, url, config }) => {
		if (!OPEN_ROUTES.includes(url) && !config?.roles?.length)
			throw new TypeError(`the admin route ${method} ${url} does not say which roles it is for`);
	});
	app.chassis.describeRequest.push((request) => ({
		audit: true,
		caller: request.adminCaller?.name ?? null,
		role: request.adminCaller?.role ?? null,
	}));

	mountLiveness(app);
	const isReady = createReadiness(options.health, options.logger);
	const probed = { config: { ...PROBED.config, roles: READERS } };
	app.get(getReadiness.path, probed, async (request, reply) => {
		if (request.adminCaller === null) return sendReadiness(app, reply, await isReady());
		const { ready, checks } = await options.health();
		return sendReadiness(app, reply, ready, checks);
	});
	app.get(getMetrics.path, { config: { roles: READERS } }, async (_request, reply) => {
		const { metrics } = app.chassis;
		if (!metrics) throw new DomainError('unavailable', 'no metrics are collected yet');
		return reply.type(metrics.contentType).send(await metrics.print());
	});
	return app;
}

function isOpen({ routeOptions, headers }: FastifyRequest): boolean {
	if (routeOptions.url === getLiveness.path) return true;
	return routeOptions.url === getReadiness.path && headers.authorization === undefined;
}

/** Who calls a route of an admin listener; for what is recorded about the call. */
export function callerOf(request: FastifyRequest): AdminCaller {
	if (!request.adminCaller) throw new Error(`${request.routeOptions.url} is no route of an admin listener`);
	return request.adminCaller;
}

/** The refusal of a caller whose role the route is not for. A path without a route stays a 404. */
function forbidden(request: FastifyRequest, { name, role }: AdminCaller): DomainError | undefined {
	const roles = request.is404 ? undefined : request.routeOptions.config.roles;
	if (roles === undefined || roles.includes(role)) return undefined;
	return new DomainError('forbidden', `this call is for ${roles.join(' or ')}; '${name}' is ${role}`);
}

interface KnownToken extends AdminCaller {
	readonly digest: Uint8Array;
}

function readToken({ name, role, sha256 }: AdminToken): KnownToken {
	if (!/^[0-9a-f]{64}$/i.test(sha256))
		throw new TypeError(`the sha256 of admin token '${name}' is not 64 hex characters`);
	return { name, role, digest: Uint8Array.fromHex(sha256) };
}

/** Digests of equal length are compared, each in constant time and all of them, so that time says nothing about any. */
function authenticate(request: FastifyRequest, tokens: readonly KnownToken[]): AdminCaller | undefined {
	const token = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
	if (token === undefined || token.length > MAX_TOKEN_CHARS) return undefined;
	const digest = createHash('sha256').update(token).digest();
	let caller: AdminCaller | undefined;
	for (const known of tokens) {
		if (timingSafeEqual(known.digest, digest)) caller = { name: known.name, role: known.role };
	}
	return caller;
}

function unauthenticated(request: FastifyRequest): DomainError {
	const detail =
		request.headers.authorization === undefined
			? 'an admin token is required (Authorization: Bearer ...)'
			: 'the admin token is not known here';
	return new DomainError('unauthenticated', detail, { headers: { 'www-authenticate': 'Bearer realm="admin"' } });
}
