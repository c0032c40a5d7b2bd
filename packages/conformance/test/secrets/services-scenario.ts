/**
 * Services that run each by its own `main.ts`, with every log line, over a database that writes down every statement and
 * parameter, next to foreign servers that repeat what they are sent or never answer: the processes, and everything they print.
 */
import type { KeyObject } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { CHANCERY } from '../judges/running-instance.ts';
import { type ForeignServers, startForeignServers } from './foreign-servers.ts';
import { type PasswordServer, startPasswordServer } from './password-server.ts';
import { ProcessWatch, RecordedProcess } from './recorded-process.ts';
import { Recorder } from './recorder.ts';
import { filesBelow, rowsOf, type SearchedPlace } from './searched-places.ts';
import { SecretRegistry } from './secret-registry.ts';
import { clientKey } from './signing-requests.ts';
import { createTestbed, openFolder, type ServiceName, type Testbed } from './testbed.ts';
import { startUpstreams, type Upstreams } from './upstream-sign-in.ts';

const PASSWORD = "pa55 of the 'database'";
const READY_WITHIN_MS = 20_000;

export class ServicesScenario {
	readonly base: string;
	readonly outside: string;
	readonly registry: SecretRegistry;
	readonly recorder = new Recorder();
	readonly watch = new ProcessWatch();
	readonly processes: RecordedProcess[] = [];
	readonly kept: SearchedPlace[] = [];
	readonly foreignServers: ForeignServers;
	readonly upstreams: Upstreams;
	readonly server: PasswordServer;
	readonly testbed: Testbed;
	readonly exits = new Map<string, number | string>();
	/** Of answers of the identity provider, by what was asked. */
	readonly statuses = new Map<string, number>();

	private constructor(
		parts: Pick<ServicesScenario, 'base' | 'outside' | 'foreignServers' | 'upstreams'> & {
			server: PasswordServer;
			testbed: Testbed;
			registry: SecretRegistry;
		},
	) {
		this.base = parts.base;
		this.outside = parts.outside;
		this.foreignServers = parts.foreignServers;
		this.upstreams = parts.upstreams;
		this.server = parts.server;
		this.testbed = parts.testbed;
		this.registry = parts.registry;
		this.processes.push(parts.server.process);
	}

	static async begin(): Promise<ServicesScenario> {
		const base = await openFolder('chancery-services-');
		const outside = await openFolder('chancery-services-outside-');
		const registry = new SecretRegistry();
		const password = registry.addText('database password', PASSWORD);
		const foreignServers = await startForeignServers();
		const upstreams = await startUpstreams(registry, foreignServers.echo);
		const server = await startPasswordServer(join(base, 'database'), outside, 22_990, password);
		const testbed = await createTestbed(base, registry, server.url, foreignServers, upstreams);
		await testbed.prepare(server.database);
		const scenario = new ServicesScenario({ base, outside, foreignServers, upstreams, server, testbed, registry });
		scenario.watch.start();
		return scenario;
	}

	/** Runs the service with this configuration until it has ended; returns the exit code. */
	async fail(
		what: string,
		service: ServiceName,
		config: unknown,
		env: NodeJS.ProcessEnv = {},
		args: string[] = [],
	): Promise<void> {
		const text =
			typeof config === 'string' ? config : JSON.stringify({ profile: 'development', ...(config as object) });
		const started = await this.start(`${service}, ${what}`, service, text, env, args);
		// Some wrong configurations do not keep a service from starting: then it is stopped.
		const late = setTimeout(() => started.signal('SIGTERM'), 10_000);
		this.exits.set(what, await started.ended);
		clearTimeout(late);
	}

	async start(
		name: string,
		service: ServiceName,
		config: string,
		env: NodeJS.ProcessEnv = {},
		args: string[] = [],
	): Promise<RecordedProcess> {
		// Outside of the searched places: a secret in the operator's own file is no finding, only what becomes of it.
		const path = join(this.outside, `${name.replaceAll(/[^a-z0-9]+/gi, '-')}.yaml`);
		await writeFile(path, config, { mode: 0o600 });
		const main = fileURLToPath(import.meta.resolve(`@chancery/${service}/main`));
		const started = new RecordedProcess(name, [process.execPath, main, '--config', path, ...args], {
			cwd: this.base,
			env: { PATH: process.env.PATH, HOME: this.base, TMPDIR: this.base, ...this.testbed.environment[service], ...env },
		});
		this.processes.push(started);
		return started;
	}

	/** One service, until its admin listener answers. */
	async serve(
		service: ServiceName,
		level: string,
		env: NodeJS.ProcessEnv = {},
		changes: object = {},
	): Promise<RecordedProcess> {
		const { config, urls, admin } = this.testbed;
		const section = { ...config[service], ...changes };
		const { database } = config;
		// One of them takes the URL from its environment.
		const own = service === 'identity' ? { ...database, url: { env: 'DATABASE_URL' } } : database;
		const text = JSON.stringify({ profile: 'development', logging: { level }, database: own, [service]: section });
		const started = await this.start(`${service} at ${level}`, service, text, env);
		const deadline = performance.now() + READY_WITHIN_MS;
		for (;;) {
			const { status } = await this.recorder.ask(`of ${service} admin /readyz`, `${urls[`${service} admin`]}/readyz`, {
				headers: { authorization: `Bearer ${admin.operator}` },
			});
			if (status === 200 || (status === 503 && (service === 'ca' || service === 'tuf'))) return started;
			if (!started.isRunning || performance.now() > deadline)
				throw new Error(`${service} does not start (${status}):\n${started.text('stderr').slice(-2000)}`);
			await sleep(100);
		}
	}

	async command(name: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<void> {
		const started = new RecordedProcess(name, [CHANCERY, ...args], {
			cwd: this.base,
			env: { PATH: process.env.PATH, HOME: this.base, TMPDIR: this.base, ...env },
		});
		this.processes.push(started);
		this.exits.set(name, await started.ended);
	}

	strayKey(): KeyObject {
		return clientKey(this.registry);
	}

	async keepRows(moment: string): Promise<void> {
		for await (const searched of rowsOf(moment, this.server.database)) this.kept.push(searched);
	}

	async *searchedPlaces(): AsyncGenerator<SearchedPlace> {
		yield* this.recorder.searchedPlaces();
		yield* this.watch.searchedPlaces();
		for (const one of this.processes) yield* one.searchedPlaces();
		yield* this.kept;
		yield* filesBelow('base', this.base);
		if (this.testbed.token) yield* filesBelow('token', this.testbed.token.folder);
	}

	async end(): Promise<void> {
		for (const one of this.processes) await one.end('SIGKILL').catch(() => undefined);
		await this.watch.stop();
		await this.foreignServers.close();
		await this.upstreams.close();
		this.testbed.token?.close();
		for (const folder of [this.base, this.outside]) await rm(folder, { recursive: true, force: true });
	}
}
