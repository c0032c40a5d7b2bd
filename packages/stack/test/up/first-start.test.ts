/** The first start of an instance: what it prints, writes, answers and opens. One instance for the whole file. */
import { createHash, createPublicKey, type JsonWebKeyInput, verify } from 'node:crypto';
import { readdir, readFile, readlink, stat } from 'node:fs/promises';
import { createConnection, type Socket } from 'node:net';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { chancery, type InstanceFile, makePlace, type Place, readInstance, removePlaces, up } from './instance.ts';
import { databaseOf, openPorts, type Processes, processesOf, stopInTime } from './processes.ts';
import type { Run } from './run.ts';

let place: Place;
let run: Run;
let instance: InstanceFile;
let processes: Processes;

beforeAll(async () => {
	place = await makePlace();
	run = up(place);
	await run.ready();
	instance = await readInstance(place);
	processes = await processesOf(place);
});
afterAll(removePlaces);

const get = async (url: string) => {
	const response = await fetch(url);
	return { status: response.status, bytes: new Uint8Array(await response.arrayBuffer()) };
};
const getJson = async <T>(url: string) => JSON.parse(String(Buffer.from((await get(url)).bytes))) as T;
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const modeOf = async (path: string) => ((await stat(path)).mode & 0o777).toString(8);

describe('the first start', () => {
	it('prints exactly one line that begins with ready, naming the data folder', () => {
		const lines = run.stdout.split('\n').filter((line) => line.startsWith('ready'));
		expect(lines).toEqual([expect.stringContaining(place.data)]);
	});

	it('keeps talk away from stdout', () => {
		expect(run.stderr).toMatch(/self-test: .* with the v2 log/);
		expect(run.stdout).not.toContain('self-test');
	});

	it('writes instance.json in the shape of the contract, with base URLs at the ports that the contract gives', () => {
		const url = (offset: number) => ({ url: `http://localhost:${place.portBase + offset}` });
		expect(instance).toEqual({
			services: {
				identity: url(1),
				ca: url(2),
				log: url(3),
				log2: url(4),
				ctlog: url(5),
				tsa: url(6),
				tuf: url(7),
			},
			oidcIssuer: `${url(1).url}/auth`,
			root: { path: expect.stringMatching(/^\//), sha256: expect.stringMatching(/^[0-9a-f]{64}$/) },
			trustedRoot: expect.stringMatching(/^\//),
			signingConfig: expect.stringMatching(/^\//),
			clientTrustConfig: expect.stringMatching(/^\//),
			admin: Object.fromEntries(
				['identity', 'ca', 'log', 'ctlog', 'tsa', 'tuf'].map((name) => [
					name,
					{ url: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/) },
				]),
			),
		});
	});

	it('is what chancery status asks, which needs no configuration file', async () => {
		const asking = chancery(place, ['status', '--data', place.data, '--json']);
		expect(await asking.ended).toEqual({ code: 0, signal: null });
		const { ready, services } = JSON.parse(asking.stdout);
		expect(ready).toBe(true);
		expect(services.map(({ name, url }: { name: string; url: string }) => [name, { url }])).toEqual(
			Object.entries(instance.services),
		);
	});

	it('names the first TUF root with its true SHA-256, the same one that the repository serves', async () => {
		const root = await readFile(instance.root.path);
		expect(sha256(root)).toBe(instance.root.sha256);
		expect(sha256((await get(`${instance.services.tuf?.url}/1.root.json`)).bytes)).toBe(instance.root.sha256);
		expect(JSON.parse(String(root)).signed).toMatchObject({ _type: 'root', version: 1 });
	});

	it('writes files for clients that name the services of this instance', async () => {
		const read = async (path: string) => JSON.parse(await readFile(path, 'utf8'));
		const trustedRoot = await read(instance.trustedRoot);
		const signingConfig = await read(instance.signingConfig);
		const { log, log2, ctlog, ca, tsa } = instance.services;
		expect(trustedRoot.mediaType).toBe('application/vnd.dev.sigstore.trustedroot+json;version=0.1');
		expect(trustedRoot.tlogs.map(({ baseUrl }: { baseUrl: string }) => baseUrl).sort()).toEqual([log?.url, log2?.url]);
		expect(trustedRoot.ctlogs).toMatchObject([{ baseUrl: ctlog?.url }]);
		expect(trustedRoot.certificateAuthorities).toMatchObject([{ uri: ca?.url }]);
		expect(trustedRoot.timestampAuthorities).toMatchObject([{ uri: `${tsa?.url}/api/v1/timestamp` }]);
		expect(signingConfig.mediaType).toBe('application/vnd.dev.sigstore.signingconfig.v0.2+json');
		expect(signingConfig.caUrls).toMatchObject([{ url: ca?.url }]);
		expect(await read(instance.clientTrustConfig)).toMatchObject({ trustedRoot, signingConfig });
	});

	it.each([
		['identity', '/auth/.well-known/openid-configuration', /"issuer":"http:\/\/localhost:\d+\/auth"/],
		['identity', '/ci/.well-known/openid-configuration', /"issuer":"http:\/\/localhost:\d+\/ci"/],
		['ca', '/api/v2/configuration', /localhost:\d+\/auth/],
		['ca', '/api/v1/rootCert', /BEGIN CERTIFICATE/],
		['log', '/api/v1/log', /"treeSize":[1-9]/],
		['log2', '/checkpoint', /^localhost\n[1-9]\d*\n/],
		['ctlog', '/ct/v1/get-sth', /"tree_size":[1-9]/],
		['tsa', '/api/v1/timestamp/certchain', /BEGIN CERTIFICATE/],
		['tuf', '/timestamp.json', /"_type":"timestamp"/],
	])('has %s answer at %s', async (service, path, expected) => {
		const { status, bytes } = await get(`${instance.services[service]?.url}${path}`);
		expect(status).toBe(200);
		expect(String(Buffer.from(bytes)).replaceAll(/(?<=[:,]) (?=["\d])/g, '')).toMatch(expected);
	});

	it('opens only the ports of the services that run', async () => {
		const offsets = (await openPorts(place)).map((port) => port - place.portBase);
		expect(offsets).toEqual([1, 2, 3, 4, 5, 6, 7]);
	});

	it('cannot be reached at an address of the machine other than loopback', async () => {
		const outward = Object.values(networkInterfaces())
			.flatMap((addresses) => addresses ?? [])
			.filter(({ internal, family }) => !internal && family === 'IPv4');
		for (const { address } of outward)
			for (let port = place.portBase; port < place.portBase + 10; port++)
				expect(await refuses(address, port), `${address}:${port}`).toBe(true);
	});

	describe.runIf(process.platform === 'linux')('seen by the kernel', () => {
		it('listens on loopback alone, admin listeners included', async () => {
			const addresses = await listeningAddresses(processes.node);
			// Seven ports that are named and six admin listeners, most of them on both loopback addresses.
			expect(addresses.length).toBeGreaterThanOrEqual(13);
			expect([...new Set(addresses)].sort()).toEqual(
				[...new Set(addresses)].filter((address) => LOOPBACK.has(address)).sort(),
			);
		});
	});

	it('has a database that listens on no network address', async () => {
		const database = await databaseOf(place);
		const lines = (await readFile(join(database?.cluster ?? '', 'postmaster.pid'), 'utf8')).split('\n');
		expect(Number(lines[0])).toBe(processes.database);
		expect(lines[4]).toBe(database?.runtimeDir);
		expect(lines[5]).toBe('');
	});

	it('closes the keys, the secrets and the log to everyone else', async () => {
		expect(await modeOf(join(place.data, 'keys'))).toBe('700');
		for (const file of ['chancery.json', 'chancery.log'])
			expect([file, await modeOf(join(place.data, file))]).toEqual([file, '600']);
		const keys = (await readdir(join(place.data, 'keys'))).filter((name) => !name.endsWith('-chain.pem'));
		expect(keys.length).toBe(12);
		for (const name of keys) expect([name, await modeOf(join(place.data, 'keys', name))]).toEqual([name, '600']);
	});

	it('writes no secret into the log or the output', async () => {
		const { secrets } = JSON.parse(await readFile(join(place.data, 'chancery.json'), 'utf8'));
		const said = (await readFile(join(place.data, 'chancery.log'), 'utf8')) + run.stdout + run.stderr;
		for (const secret of Object.values<string>(secrets)) expect(said).not.toContain(secret);
		expect(said).not.toContain('PRIVATE KEY');
	});
});

describe('chancery token', () => {
	/** Header and claims of a token, once its signature is found good by the key of its own issuer. */
	async function open(token: string): Promise<Record<string, unknown>> {
		expect(token).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+$/);
		const [header = '', claims = '', signature = ''] = token.split('.');
		const { alg, kid } = JSON.parse(Buffer.from(header, 'base64url').toString());
		const said = JSON.parse(Buffer.from(claims, 'base64url').toString());
		const discovery = await getJson<{ jwks_uri: string }>(`${said.iss}/.well-known/openid-configuration`);
		const { keys } = await getJson<{ keys: (JsonWebKeyInput['key'] & { kid: string })[] }>(discovery.jwks_uri);
		const key = createPublicKey({ key: keys.find((jwk) => jwk.kid === kid) ?? {}, format: 'jwk' });
		expect(alg).toBe('RS256');
		expect(verify('sha256', Buffer.from(`${header}.${claims}`), key, Buffer.from(signature, 'base64url'))).toBe(true);
		return said;
	}
	const token = async (...args: string[]) => {
		const asked = chancery(place, ['token', '--data', place.data, ...args]);
		return { ...(await asked.ended), stdout: asked.stdout, stderr: asked.stderr };
	};

	it('prints one token of the issuer that instance.json names, and nothing else', async () => {
		const { code, stdout } = await token('--email', 'alice@example.com');
		expect(code).toBe(0);
		expect(stdout.split('\n')).toEqual([expect.any(String), '']);
		expect(await open(stdout.trim())).toMatchObject({
			iss: instance.oidcIssuer,
			aud: 'sigstore',
			email: 'alice@example.com',
			email_verified: true,
		});
	});

	it('puts the audience into it that was asked for', async () => {
		const { stdout } = await token('--email', 'alice@example.com', '--audience', 'somewhere-else');
		expect(await open(stdout.trim())).toMatchObject({ aud: 'somewhere-else' });
	});

	it('makes one of the workflow issuer when the claims name a workflow', async () => {
		const job_workflow_ref = 'acme/app/.github/workflows/release.yml@refs/heads/main';
		const { code, stdout } = await token('--claims', JSON.stringify({ job_workflow_ref, repository: 'acme/app' }));
		expect(code).toBe(0);
		const claims = await open(stdout.trim());
		expect(claims).toMatchObject({
			iss: `${instance.services.identity?.url}/ci`,
			job_workflow_ref,
			repository: 'acme/app',
		});
	});

	it.each([
		['claims that are not JSON', ['--claims', '{'], /--claims is not JSON/],
		['claims that are no object', ['--claims', '["a"]'], /--claims is not a JSON object/],
		['neither an email nor claims', [], /--email/],
		['an unknown option', ['--emial', 'a@example.com'], /--emial/],
	])('calls %s wrong usage', async (_, args, words) => {
		const { code, stdout, stderr } = await token(...args);
		expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
		expect(stderr).toMatch(words);
	});

	it('says how to start an instance where there is none', async () => {
		const asked = chancery(place, ['token', '--data', join(place.base, 'nothing'), '--email', 'a@example.com']);
		expect(await asked.ended).toMatchObject({ code: 1 });
		expect(asked.stderr).toMatch(/^error: .*chancery up --data.*\n$/);
	});
});

describe('a second start on the folder of a live instance', () => {
	it('is refused in one line that names the holder, and the live one keeps serving', async () => {
		const second = up(place);
		expect(await second.ended).toEqual({ code: 1, signal: null });
		expect(second.stdout).toBe('');
		expect(second.stderr).toMatch(new RegExp(`^error: .*in use.*process ${processes.node}\\b.*\n$`));
		expect((await get(`${instance.services.log?.url}/api/v1/log`)).status).toBe(200);
		expect(await readInstance(place)).toEqual(instance);
		expect(await processesOf(place)).toMatchObject({ node: processes.node, database: processes.database });
	});

	it('is refused also with other ports', async () => {
		const second = up(place, ['--port-base', String(place.portBase + 10)]);
		expect(await second.ended).toEqual({ code: 1, signal: null });
		expect(second.stderr).toContain(`process ${processes.node}`);
	});
});

describe('the end', () => {
	it('is orderly and in time also when nobody reads the output, and clients hang in the middle of a request', async () => {
		const ports = Object.values(instance.services).map(({ url }) => Number(new URL(url).port));
		const clients = await Promise.all(ports.map(beginRequest));
		run.closePipes();
		expect(await stopInTime(run, processes, () => run.kill('SIGTERM'))).toEqual({ code: 0, signal: null });
		for (const client of clients) client.destroy();
	});

	it('leaves a hint for whoever asks for a token', async () => {
		const asked = chancery(place, ['token', '--data', place.data, '--email', 'a@example.com']);
		expect(await asked.ended).toEqual({ code: 1, signal: null });
		expect(asked.stdout).toBe('');
		expect(asked.stderr).toMatch(/^error: .*chancery up --data.*running\?\n$/);
	});
});

function refuses(host: string, port: number): Promise<boolean> {
	return new Promise((resolve) => {
		const socket = createConnection({ host, port });
		socket.once('connect', () => {
			socket.destroy();
			resolve(false);
		});
		socket.once('error', () => resolve(true));
	});
}

/** A client that says that it will send more than it does. */
function beginRequest(port: number): Promise<Socket> {
	return new Promise((resolve, reject) => {
		const socket = createConnection({ host: '127.0.0.1', port });
		socket.once('error', reject);
		socket.once('connect', () => {
			// From here on the server may cut it off at any time.
			socket.off('error', reject).on('error', () => undefined);
			socket.write('POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{', () => resolve(socket));
		});
	});
}

/** As /proc/net writes 127.0.0.1 and ::1. */
const LOOPBACK = new Set(['0100007F', '00000000000000000000000001000000']);
const LISTEN = '0A';

/** The addresses at which a process listens for TCP, from proc_pid_net(5). */
async function listeningAddresses(pid: number): Promise<string[]> {
	const sockets = new Set<string | undefined>();
	for (const fd of await readdir(`/proc/${pid}/fd`)) {
		const target = await readlink(`/proc/${pid}/fd/${fd}`).catch(() => '');
		sockets.add(/^socket:\[(\d+)\]$/.exec(target)?.[1]);
	}
	const found: string[] = [];
	for (const table of ['tcp', 'tcp6'])
		for (const line of (await readFile(`/proc/${pid}/net/${table}`, 'utf8')).split('\n').slice(1)) {
			const fields = line.trim().split(/\s+/);
			if (fields[3] === LISTEN && sockets.has(fields[9])) found.push(fields[1]?.split(':')[0] ?? '');
		}
	return found;
}
