/** The instance in one container, with its own database. Needs the ports 7401 to 7407 of loopback. */
import { join } from 'node:path';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { buildImage } from './containers/built-image.ts';
import { type ComposeProject, openProject } from './containers/compose-project.ts';
import { CHECKOUT, type Engine, openEngine } from './containers/engine.ts';
import { until } from './kubernetes/started-program.ts';
import { pageBlock } from './page-block.ts';

const READY_WITHIN_MS = 120_000;
const DATA = '/var/lib/chancery/data';
const [up = '', token = ''] = pageBlock(
	'docs/operate/compose.md',
	'compose',
	'docker compose --profile small up',
).split('\n');

const cleanups: (() => Promise<unknown>)[] = [];
let engine: Engine;
let project: ComposeProject;

beforeAll(async () => {
	engine = await openEngine(inject('peers')['docker compose']);
	cleanups.push(() => engine.end());
	const image = await buildImage(engine, 'dev');
	const bytes = Number(await engine.docker(['image', 'inspect', '--format', '{{.Size}}', image]));
	process.stderr.write(`size of the development image: ${(bytes / 1e6).toFixed(0)} MB\n`);
	project = await openProject(engine, up);
	cleanups.push(() => project.remove());
	await start();
}, 1_800_000);
afterAll(async () => {
	for (const clean of cleanups.splice(0).reverse()) await clean();
});

/** From here to `ready`, which is said after the self-test. */
async function start(): Promise<void> {
	const beganMs = performance.now();
	const since = new Date().toISOString();
	await project.start(up);
	const log = () => project.compose('--profile', 'small', 'logs', '--no-log-prefix', '--since', since, 'small');
	await until('ready', READY_WITHIN_MS, async () => /^ready/m.test(await log()), log);
	process.stderr.write(`one container, to a signature: ${((performance.now() - beganMs) / 1000).toFixed(1)} s\n`);
}

const inContainer = (...command: string[]) => project.compose('--profile', 'small', 'exec', '-T', 'small', ...command);
const rootOf = async () =>
	(JSON.parse(await inContainer('cat', `${DATA}/instance.json`)) as { root: { sha256: string } }).root.sha256;

it('signs and verifies for a client on the host, with a token made inside', async () => {
	for (const name of ['trusted_root.json', 'signing_config.v0.2.json']) {
		const { trustedRoot, signingConfig } = JSON.parse(await inContainer('cat', `${DATA}/instance.json`)) as Record<
			string,
			string
		>;
		const path = name === 'trusted_root.json' ? trustedRoot : signingConfig;
		await project.compose('--profile', 'small', 'cp', `small:${path}`, name);
	}
	const trust = '--trusted-root trusted_root.json --bundle README.json';
	const who = '--certificate-identity you@example.com --certificate-oidc-issuer http://localhost:7401/auth';
	const { code, stderr } = await project.paste(
		[
			`chancery sign-blob ${trust} --signing-config signing_config.v0.2.json --identity-token "$(${token})" README.md`,
			`chancery verify-blob ${trust} ${who} README.md`,
		],
		[join(CHECKOUT, 'packages/cli/bin')],
	);
	expect(code, stderr).toBe(0);
});

it('gives no token to whoever only reaches it', async () => {
	const answer = await fetch('http://localhost:7401/development/token', {
		method: 'POST',
		headers: { 'content-type': 'application/json' },
		body: JSON.stringify({ email: 'you@example.com', audience: 'sigstore' }),
	});
	expect(answer.status, await answer.text()).toBe(401);
});

it('goes on after it was killed, and after it was taken down', async () => {
	const before = await rootOf();
	await project.compose('--profile', 'small', 'kill', 'small');
	await start();
	await project.compose('--profile', 'small', 'down', '--timeout', '15');
	await start();
	expect(await rootOf()).toBe(before);
});
