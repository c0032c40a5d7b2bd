/**
 * `docker compose up` as the page says, with a real engine: the commands that it prints are pasted on this machine, processes
 * are killed, and everything is taken down and up again. Needs the ports 7401 to 7407 of loopback.
 */
import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { findPeer } from '@chancery/testkit/peers/find-peer';
import { CLIENTS } from '@chancery/testkit/peers/peer-table';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { buildImage } from './containers/built-image.ts';
import { type ComposeProject, containersOf, linesBelow, openProject, textOf } from './containers/compose-project.ts';
import { CHECKOUT, type Engine, openEngine, type Ran } from './containers/engine.ts';
import { until } from './kubernetes/started-program.ts';
import { pageBlock } from './page-block.ts';

const SERVICES = ['identity', 'ca', 'log', 'ctlog', 'tsa', 'tuf'];
const OURS = join(CHECKOUT, 'packages/cli/bin');
const RESTART_WITHIN_MS = 90_000;
/** Twice the interval of the probe that sees that it is gone, on a busy machine. */
const NETWORK_WITHIN_MS = 240_000;

const cleanups: (() => Promise<unknown>)[] = [];
let engine: Engine;
let project: ComposeProject;
/** Folders of the clients. */
let programs: string[];
let said: string;

beforeAll(async () => {
	engine = await openEngine(inject('peers')['docker compose']);
	cleanups.push(() => engine.end());
	await buildImage(engine, 'server');
	programs = [OURS];
	for (const name of ['cosign 3', 'sigstore-python'] as const) {
		const found = await findPeer(name, CLIENTS[name]);
		if ('notRun' in found) throw new Error(found.notRun);
		programs.push(dirname(found.path));
	}
	project = await openProject(engine, pageBlock('docs/operate/compose.md', 'compose', 'docker compose up'));
	cleanups.push(() => project.remove());
	const beganMs = performance.now();
	said = await project.up();
	process.stderr.write(`from nothing to a signature: ${((performance.now() - beganMs) / 1000).toFixed(1)} s\n`);
}, 1_800_000);
afterAll(async () => {
	for (const clean of cleanups.splice(0).reverse()) await clean();
});

const trusting = () => linesBelow(said, 'trust the TLS certificates');
const token = () => /"(\$\(docker compose exec [^"]*\))"/.exec(said)?.[1] ?? '';
const paste = (...lines: string[]) => project.paste([...trusting(), ...lines], programs);
const expectSuccess = ({ code, stdout, stderr }: Ran) => expect(code, `${stdout}\n${stderr}`.slice(-6000)).toBe(0);

it('gives each service a container of its own, and ends the jobs well', async () => {
	const containers = await containersOf(project);
	const running = ['database', 'front', 'network', ...SERVICES].sort();
	expect([...containers.values()].flatMap((it) => (it.State === 'running' ? [it.Service] : [])).sort()).toEqual(
		running,
	);
	for (const job of ['init', 'migrate', 'logs', 'trust', 'self-test'])
		expect(containers.get(job), job).toMatchObject({ State: 'exited', ExitCode: 0 });
	expect(said).toMatch(/^ {2}ca +https:\/\/localhost:7402$/m);
	expect(said).not.toContain('/var/lib/chancery/instance/trust/root.json');
});

it('prints commands that work on the host, one after the other and once more', async () => {
	const fetched = linesBelow(said, 'the files for clients');
	expect(fetched).toHaveLength(1);
	expect(trusting().map((line) => /^export ([A-Z_]+)=/.exec(line)?.[1])).toEqual([
		'SSL_CERT_FILE',
		'REQUESTS_CA_BUNDLE',
		'NODE_EXTRA_CA_CERTS',
	]);
	const clients = ['sign and verify with this command', 'cosign 3', 'sigstore-python 4'].map((part) =>
		linesBelow(said, part),
	);
	expect(clients.map((lines) => lines.length)).toEqual([2, 3, 2]);
	const all = [...fetched, ...trusting(), ...clients.flat()];
	expectSuccess(await project.paste([...all, ...all], programs));
	const root = createHash('sha256').update(await textOf(project, 'chancery-trust/root.json'));
	expect(said).toContain(root.digest('hex'));
});

it("prints options with which npm's sigstore signs and verifies on the host", async () => {
	const calls = linesBelow(said, "npm's sigstore");
	expect(calls).toHaveLength(2);
	const [signed = '', verified = ''] = calls;
	const script = `const sigstore = require(${JSON.stringify(join(CHECKOUT, 'packages/conformance/node_modules/sigstore'))});
		(async () => {
			const [bytes, identityToken] = [require('fs').readFileSync('README.md'), process.env.TOKEN];
			const bundle = ${signed};
			${verified};
		})().catch((error) => { console.error(error, error.cause); process.exitCode = 1; });`;
	await writeFile(join(project.folder, 'npm.cjs'), script);
	expectSuccess(await paste(`TOKEN="${token()}" node npm.cjs`));
});

it('is as reachable as it says: on the loopback of the host, and nowhere else', async () => {
	const { ID } = (await containersOf(project)).get('network') ?? { ID: '' };
	const [{ NetworkSettings }] = JSON.parse(await engine.docker(['inspect', ID])) as [
		{ NetworkSettings: { Ports: Record<string, { HostIp: string; HostPort: string }[] | null> } },
	];
	const published = Object.values(NetworkSettings.Ports).flatMap((it) => it ?? []);
	expect(published.map(({ HostPort }) => Number(HostPort)).sort()).toEqual([7401, 7402, 7403, 7404, 7405, 7406, 7407]);
	expect(new Set(published.map(({ HostIp }) => HostIp))).toEqual(new Set(['127.0.0.1']));
});

it('finds each service healthy by its probe', async () => {
	const health = async () => {
		const containers = await containersOf(project);
		return Object.fromEntries(SERVICES.map((name) => [name, containers.get(name)?.Health]));
	};
	const healthy = async () => Object.values(await health()).every((state) => state === 'healthy');
	await until('health', RESTART_WITHIN_MS, healthy, async () => JSON.stringify(await health()));
});

it('goes on after each process was killed, with what was signed before', async () => {
	for (const service of ['database', 'front', ...SERVICES]) {
		const { ID } = (await containersOf(project)).get(service) ?? { ID: '' };
		const stateOf = async () => JSON.parse(await engine.docker(['inspect', ID]))[0] as Killed;
		const { State } = await stateOf();
		process.kill(State.Pid, 'SIGKILL');
		await until(
			`a restart of ${service}`,
			RESTART_WITHIN_MS,
			async () => {
				const now = await stateOf();
				return now.RestartCount > 0 && now.State.Running && now.State.Pid !== State.Pid;
			},
			async () => JSON.stringify(await stateOf()).slice(0, 1000),
		);
	}
	await signAgain('README.killed.json');
	await expectNothingLost();
});

it('finds its network again by itself after the container that holds it was killed', async () => {
	const { ID } = (await containersOf(project)).get('network') ?? { ID: '' };
	const [{ State }] = JSON.parse(await engine.docker(['inspect', ID])) as [Killed];
	process.kill(State.Pid, 'SIGKILL');
	const isThere = async (service: string) => {
		const names = await project
			.compose('exec', '-T', service, 'ls', '/sys/class/net')
			.catch(() => project.compose('exec', '-T', service, 'node', '-p', 'Object.keys(os.networkInterfaces())'))
			.catch(() => '');
		return names.includes('eth0');
	};
	for (const service of ['network', 'front', ...SERVICES])
		await until(
			`the network of ${service}`,
			NETWORK_WITHIN_MS,
			() => isThere(service),
			async () => JSON.stringify((await containersOf(project)).get(service)),
		);
	await signAgain('README.network.json');
	await expectNothingLost();
});

it('is the same instance after down and up', async () => {
	const before = await project.compose(
		'exec',
		'-T',
		'ca',
		'node',
		'-p',
		"fs.readFileSync('/var/lib/chancery/instance/trust/fingerprint.txt','utf8')",
	);
	await project.compose('down', '--timeout', '20');
	expect((await containersOf(project)).size).toBe(0);
	const again = await project.up();
	expect(linesBelow(again, 'cosign 3')).toEqual(linesBelow(said, 'cosign 3'));
	const after = await project.compose(
		'exec',
		'-T',
		'ca',
		'node',
		'-p',
		"fs.readFileSync('/var/lib/chancery/instance/trust/fingerprint.txt','utf8')",
	);
	expect(after).toBe(before);
	await signAgain('README.again.json');
	await expectNothingLost();
});

it('ends every service with 0 when it is told to stop', async () => {
	await project.compose('stop');
	const containers = await containersOf(project);
	expect(Object.fromEntries(SERVICES.map((name) => [name, containers.get(name)?.ExitCode]))).toEqual(
		Object.fromEntries(SERVICES.map((name) => [name, 0])),
	);
});

interface Killed {
	readonly RestartCount: number;
	readonly State: { readonly Pid: number; readonly Running: boolean };
}

/** The first tries may meet a service that is starting: a client is told so, and tries again. */
async function signAgain(bundle: string): Promise<void> {
	const [, sign = '', verify = ''] = linesBelow(said, 'cosign 3').map((line) =>
		line.replaceAll('README.cosign.json', bundle),
	);
	await until(
		'a signature',
		RESTART_WITHIN_MS,
		async () => (await paste(sign)).code === 0,
		async () => (await paste(sign)).stderr,
	);
	expectSuccess(await paste(verify));
}

/** What clients got before still verifies, and the logs are what their checkpoints say, entry by entry. */
async function expectNothingLost(): Promise<void> {
	const verifying = ['sign and verify with this command', 'cosign 3', 'sigstore-python 4'].flatMap((part) =>
		linesBelow(said, part).filter((line) => / verify(-blob)? /.test(line)),
	);
	expect(verifying).toHaveLength(3);
	expectSuccess(await paste(...verifying));
	const trusted = JSON.parse(await textOf(project, 'chancery-trust/trusted_root.json')) as TrustedRoot;
	for (const [name, log] of [
		['log2', trusted.tlogs.find((log) => log.baseUrl.endsWith(':7404'))],
		['ctlog', trusted.ctlogs[0]],
	] as const) {
		if (log === undefined) throw new Error(`the trusted root names no ${name}`);
		const { baseUrl, publicKey } = log;
		const pem = publicKey.rawBytes.replaceAll(/.{64}/g, '$&\n');
		await writeFile(
			join(project.folder, `${name}.pem`),
			`-----BEGIN PUBLIC KEY-----\n${pem}\n-----END PUBLIC KEY-----\n`,
		);
		const audit = await paste(`chancery log audit --json --url ${baseUrl} --key ${name}.pem`);
		expectSuccess(audit);
		const { logs } = JSON.parse(audit.stdout) as { logs: { size: number }[] };
		expect(logs[0]?.size).toBeGreaterThan(2);
	}
}
interface TrustedRoot {
	readonly tlogs: readonly LogOfRoot[];
	readonly ctlogs: readonly LogOfRoot[];
}
interface LogOfRoot {
	readonly baseUrl: string;
	readonly publicKey: { readonly rawBytes: string };
}
