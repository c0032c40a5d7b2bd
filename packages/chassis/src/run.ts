/**
 * Runs one service in a process of its own: `main.ts` of a service is one call of `run`.
 *
 * The section of the service holds, beside its own fields, `listen` and `keys`; the sections `database` and `logging`
 * belong to the process. Sections of other services are left alone, so that one file serves all.
 */
import { randomBytes } from 'node:crypto';
import { parseArgs } from 'node:util';
import type { Signer } from '@chancery/keys/signer';
import { openDatabase } from '@chancery/postgres/pool';
import { TlsTrustError, trustFromEnvironment } from '@chancery/wire/tls-authorities';
import type { z } from 'zod';
import { ConfigError, loadConfig, parseSection } from './config.ts';
import { createLogger, type Logger } from './logger.ts';
import { databaseSection, keysSection, listenSection, loggingSection, openConfiguredKey } from './process-config.ts';
import { startService } from './running-service.ts';
import { Secret } from './secret.ts';
import type { Service, ServiceDeps } from './service.ts';

export interface RunDeps<Config> extends ServiceDeps<Config> {
	/** Opens the key that the section of the service names under `keys`. */
	readonly openKey: (name: string) => Promise<Signer>;
}

/** sysexits(3): the configuration is at fault, a restart will not help. */
const EXIT_CONFIG = 78;
/** Terminals and process managers often signal twice (the group and the child): that is one wish. */
const REPEAT_MS = 1_000;
/** Whatever hangs (a statement that does not end), the process is gone after this. */
const STOP_LIMIT_MS = 5_000;

/**
 * Reads `--config FILE` (or `CHANCERY_CONFIG`), opens the database, starts the service and stays until SIGTERM or
 * SIGINT. Ends the process: 0 after an orderly stop, 78 when the configuration is not usable, else 1.
 */
export async function run<S extends z.ZodType>(
	name: string,
	configSchema: S,
	createService: (deps: RunDeps<z.output<S>>) => Promise<Service>,
): Promise<void> {
	await runProcess(name, configSchema, async (deps, section) => {
		const { url, maxConnections } = parseSection('database', databaseSection(), section);
		const database = openDatabase({
			url: url instanceof Secret ? url.reveal() : url,
			applicationName: `chancery ${name}`,
			maxConnections,
		});
		return { service: await createService({ ...deps, database }), close: () => database.close() };
	});
}

/** The same for a service that stores nothing; its file need not have a section `database`. */
export async function runWithoutDatabase<S extends z.ZodType>(
	name: string,
	configSchema: S,
	createService: (deps: Omit<RunDeps<z.output<S>>, 'database'>) => Promise<Service>,
): Promise<void> {
	await runProcess(name, configSchema, async (deps, section) => {
		// It may be there for other services; then it is checked like every part of the file.
		if (section !== undefined) parseSection('database', databaseSection(), section);
		return { service: await createService(deps), close: async () => undefined };
	});
}

async function runProcess<S extends z.ZodType>(
	name: string,
	configSchema: S,
	open: (
		deps: Omit<RunDeps<z.output<S>>, 'database'>,
		databaseSection: unknown,
	) => Promise<{ readonly service: Service; close(): Promise<void> }>,
): Promise<void> {
	let log = createLogger({ level: 'info', json: true, name });
	const fail = (error: unknown, message: string): never => {
		log.fatal({ err: error }, message);
		process.exit(error instanceof ConfigError || error instanceof TlsTrustError ? EXIT_CONFIG : 1);
	};
	process.on('uncaughtException', (error) => fail(error, 'an error that nobody expected'));
	process.on('unhandledRejection', (error) => fail(error, 'a rejection that nobody handled'));
	const started = Promise.withResolvers<() => Promise<void>>();
	stopOnSignal(started.promise, () => log);
	try {
		trustFromEnvironment();
		const settings = await readSettings(name, configSchema);
		log = createLogger({ ...settings.logging, name });
		const { service, close } = await open(
			{
				config: settings.config,
				clock: Date.now,
				random: (n) => new Uint8Array(randomBytes(n)),
				fetch,
				log,
				openKey: (key) => openConfiguredKey(name, settings.keys, key),
			},
			settings.database,
		);
		const running = await startService(service, { addresses: settings.listen, log });
		started.resolve(async () => {
			await running.stop();
			await close();
		});
	} catch (error) {
		fail(error, 'the service did not start');
	}
}

async function readSettings<S extends z.ZodType>(name: string, configSchema: S) {
	const { values } = readArguments();
	const path = values.config ?? process.env.CHANCERY_CONFIG;
	if (path === undefined) throw new ConfigError('no configuration: give --config FILE or set CHANCERY_CONFIG');
	const sections = await loadConfig(path);
	const { listen, keys, ...own } = sections[name] ?? {};
	return {
		logging: parseSection('logging', loggingSection, sections.logging),
		database: sections.database,
		listen: parseSection(`${name}.listen`, listenSection, listen),
		keys: parseSection(`${name}.keys`, keysSection(), keys),
		config: parseSection(name, configSchema, own),
	};
}

function readArguments() {
	try {
		return parseArgs({ options: { config: { type: 'string' } }, strict: true });
	} catch {
		// What they are is not repeated: a password or a URL with one, on the wrong side of an option, would be logged.
		throw new ConfigError('the arguments are not valid: --config FILE is the only one');
	}
}

/**
 * The first signal stops in order, also when the start is not over yet; another one, more than a second later, ends the
 * process as it is.
 */
function stopOnSignal(started: Promise<() => Promise<void>>, log: () => Logger): void {
	let firstMs: number | undefined;
	const onSignal = (signal: NodeJS.Signals) => {
		if (firstMs !== undefined) {
			if (performance.now() - firstMs < REPEAT_MS) return;
			log().warn({ signal }, 'stopping without waiting');
			process.exit(1);
		}
		firstMs = performance.now();
		log().info({ signal }, 'stopping');
		setTimeout(() => {
			log().fatal({ limitMs: STOP_LIMIT_MS }, 'the stop took too long');
			process.exit(1);
		}, STOP_LIMIT_MS).unref();
		started
			.then((stop) => stop())
			.then(
				() => process.exit(0),
				(error: unknown) => {
					log().fatal({ err: error }, 'the stop failed');
					process.exit(1);
				},
			);
	};
	process.on('SIGTERM', onSignal);
	process.on('SIGINT', onSignal);
}
