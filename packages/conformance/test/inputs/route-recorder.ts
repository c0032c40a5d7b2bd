/**
 * Loaded before the command of an instance: notes every route that any of its listeners registers, and writes the table
 * to the file that ROUTES_FILE names when the process ends. Nothing of the services is changed or replaced.
 */
import { subscribe } from 'node:diagnostics_channel';
import { writeFileSync } from 'node:fs';

export interface RegisteredRoute {
	readonly service: string;
	readonly listener: string;
	/** As the router writes it, with `:name` and `*`. */
	readonly path: string;
	readonly methods: readonly string[];
}

/** As much of a listener as is read here. */
interface Listener {
	addHook(name: 'onRoute', hook: (route: { url: string; method: string | string[] }) => void): void;
	readonly log: { bindings(): { readonly service: string } };
	readonly chassis: { readonly name: string };
}

interface Registered {
	readonly app: Listener;
	readonly path: string;
	readonly methods: readonly string[];
}

const registered: Registered[] = [];

subscribe('fastify.initialization', (message) => {
	const { fastify: app } = message as { fastify: Listener };
	app.addHook('onRoute', ({ url, method }) => {
		registered.push({ app, path: url, methods: [method].flat() });
	});
});

process.once('exit', () => {
	const { ROUTES_FILE } = process.env;
	if (ROUTES_FILE === undefined) return;
	const routes = registered.map(({ app, path, methods }): RegisteredRoute => {
		// Each listener logs as its service; the chassis has named it by now.
		return { service: app.log.bindings().service, listener: app.chassis.name, path, methods };
	});
	writeFileSync(ROUTES_FILE, JSON.stringify(routes));
});
