/**
 * The routes that the services register, told by the services: an instance is started once with a recorder beside it
 * and ends after its self-test. Nothing here lists a route, so none can be forgotten.
 */
import { execFile } from 'node:child_process';
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { freePortBase } from '@chancery/testkit/free-port';
import type { RegisteredRoute } from './route-recorder.ts';

const COMMAND = fileURLToPath(import.meta.resolve('@chancery/cli/main'));
const RECORDER = join(import.meta.dirname, 'route-recorder.ts');

/** One row per path of a listener, with all methods that some registration of it has. */
export async function readRegisteredRoutes(): Promise<RegisteredRoute[]> {
	const folder = await mkdtemp(join(tmpdir(), 'chancery-routes-'));
	// The database server of root runs as another user, who must be able to pass.
	await chmod(folder, 0o711);
	try {
		const file = join(folder, 'routes.json');
		const args = ['--import', RECORDER, COMMAND, 'up', '--once'];
		const where = ['--data', join(folder, 'instance'), '--port-base', String(await freePortBase())];
		const env = { ...process.env, ROUTES_FILE: file, XDG_STATE_HOME: join(folder, 'state') };
		await promisify(execFile)(process.execPath, [...args, ...where], { env, timeout: 60_000 });
		return merged(JSON.parse(await readFile(file, 'utf8')));
	} finally {
		await rm(folder, { recursive: true, force: true });
	}
}

function merged(routes: readonly RegisteredRoute[]): RegisteredRoute[] {
	const byPath = new Map<string, RegisteredRoute>();
	for (const route of routes) {
		const key = `${route.service} ${route.listener} ${route.path}`;
		const methods = [...new Set([...(byPath.get(key)?.methods ?? []), ...route.methods])].sort();
		byPath.set(key, { ...route, methods });
	}
	return [...byPath.values()];
}
