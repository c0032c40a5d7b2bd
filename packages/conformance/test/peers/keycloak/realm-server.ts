/** Keycloak on a loopback port, with one realm that it imports, and its administration. Everything it writes is in a folder that goes with it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '@chancery/testkit/free-port';

export interface RealmServer {
	/** Of the realm. */
	readonly issuer: string;
	/** Calls the administration below the realm. @throws {Error} when it refuses */
	admin(method: string, path: string, body?: unknown): Promise<unknown>;
	stop(): Promise<void>;
}

const [ADMIN, PASSWORD] = ['admin', 'an administrator of the tests'];
const READY_WITHIN_MS = 480_000;
const PROBE_EVERY_MS = 500;

/** @param program `bin/kc.sh` of an installation, which is copied. @param realm JSON of the realm `signers` */
export async function startRealmServer(program: string, realm: string): Promise<RealmServer> {
	const folder = await mkdtemp(join(tmpdir(), 'chancery-keycloak-'));
	const home = join(folder, 'keycloak');
	await cp(dirname(dirname(program)), home, { recursive: true });
	await mkdir(join(home, 'data/import'), { recursive: true });
	await writeFile(join(home, 'data/import/signers.json'), realm);
	const port = await freePort();
	const origin = `http://127.0.0.1:${port}`;
	const args = ['start-dev', '--import-realm', '--http-host', '127.0.0.1', '--http-port', String(port)];
	const keycloak = spawn(join(home, 'bin/kc.sh'), args, {
		env: { ...process.env, KC_BOOTSTRAP_ADMIN_USERNAME: ADMIN, KC_BOOTSTRAP_ADMIN_PASSWORD: PASSWORD },
		stdio: ['ignore', 'pipe', 'pipe'],
		// The script starts Java: both end together.
		detached: true,
	});
	let said = '';
	for (const stream of [keycloak.stdout, keycloak.stderr])
		stream.on('data', (chunk) => {
			said = (said + String(chunk)).slice(-4000);
		});
	const isOver = () => keycloak.exitCode !== null || keycloak.signalCode !== null;
	const stop = async () => {
		if (!isOver() && keycloak.pid !== undefined) {
			process.kill(-keycloak.pid, 'SIGTERM');
			await once(keycloak, 'exit');
		}
		await rm(folder, { recursive: true, force: true });
	};
	const issuer = `${origin}/realms/signers`;
	const endMs = performance.now() + READY_WITHIN_MS;
	while (
		!(await fetch(`${issuer}/.well-known/openid-configuration`).then(
			({ ok }) => ok,
			() => false,
		))
	) {
		if (isOver() || performance.now() > endMs) {
			await stop();
			throw new Error(`Keycloak does not answer. It said:\n${said}`);
		}
		await sleep(PROBE_EVERY_MS);
	}
	return { issuer, admin: (method, path, body) => administrate(origin, method, path, body), stop };
}

async function administrate(origin: string, method: string, path: string, body: unknown): Promise<unknown> {
	const form = { client_id: 'admin-cli', grant_type: 'password', username: ADMIN, password: PASSWORD };
	const granted = await fetch(`${origin}/realms/master/protocol/openid-connect/token`, {
		method: 'POST',
		body: new URLSearchParams(form),
	});
	const { access_token } = (await granted.json()) as { access_token: string };
	const answer = await fetch(`${origin}/admin/realms/signers${path}`, {
		method,
		headers: { authorization: `Bearer ${access_token}`, 'content-type': 'application/json' },
		...(body === undefined ? {} : { body: JSON.stringify(body) }),
	});
	const text = await answer.text();
	if (!answer.ok) throw new Error(`${method} ${path} answered ${answer.status}: ${text}`);
	return text === '' ? undefined : JSON.parse(text);
}
