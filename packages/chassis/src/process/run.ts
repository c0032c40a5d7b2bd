/**
 * Runs one service in a process of its own: `main.ts` of a service is one call of `run`.
 *
 * The section of the service holds, beside its own fields, `listen` and `keys`; the sections `database` and `logging`
 * belong to the process, `profile` and `allow` to the instance. Sections of other services are left alone, so that one
 * file serves all. A service that cannot work does not listen: everything is looked at before the first port is bound.
 */
import { randomBytes } from 'node:crypto';
import { parseArgs } from 'node:util';
import type { Signer } from '@chancery/keys/signer';
import { trustFromEnvironment } from '@chancery/net/tls-authorities';
import { checkMigrations, MigrationError, type MigrationSource } from '@chancery/postgres/migrate';
import { sqlState } from '@chancery/postgres/pg-errors';
import { openDatabase } from '@chancery/postgres/pool';
import type { Database } from '@chancery/postgres/sql';
import type { z } from 'zod';
import { ConfigError, loadConfig, parseSection } from '../config/config.ts';
import {
	databaseSection,
	keysSection,
	listenSection,
	loggingSection,
	openConfiguredKey,
} from '../config/process-config.ts';
import { databaseFindings, keyFindings, listenerFindings } from '../config/process-findings.ts';
import { type Finding, type InstanceSettings, refuseFindings } from '../config/production.ts';
import { Secret } from '../config/secret.ts';
import { createLogger, type Logger } from '../logger.ts';
import type { Service, ServiceDeps } from '../service.ts';
import { startService } from './running-service.ts';
import { describeStartFailure } from './start-failure.ts';

export interface RunDeps<Config> extends ServiceDeps<Config> {
	readonly instance: InstanceSettings;
	/** Opens the key that the section of the service names under `keys`. */
	readonly openKey: (name: string) => Promise<Signer>;
}

/** A service that stores nothing, as its process runs it. */
export interface StatelessProgram<Config> {
	/** Of the service and of its section. */
	readonly name: string;
	readonly config: z.ZodType<Config>;
	/** What production does not start with in the section. */
	readonly findings: (config: Config) => readonly Finding[];
	/** The sentence for an error of `open` that another configuration ends; undefined for every other. */
	readonly explain?: (error: unknown) => string | undefined;
	readonly open: (deps: Omit<RunDeps<Config>, 'database'>) => Promise<Service>;
}

export interface Program<Config> extends Omit<StatelessProgram<Config>, 'open'> {
	readonly migrations: readonly MigrationSource[];
	/** What production does not start with in the database. Asked when the migrations are there. */
	readonly storedFindings?: (database: Database) => Promise<readonly Finding[]>;
	readonly open: (deps: RunDeps<Config>) => Promise<Service>;
}

/** SQLSTATE insufficient_privilege. */
const NO_PRIVILEGE = '42501';
/** Terminals and process managers often signal twice (the group and the child): that is one wish. */
const REPEAT_MS = 1_000;
/** Whatever hangs (a statement that does not end), the process is gone after this. */
const STOP_LIMIT_MS = 5_000;

/**
 * Reads `--config FILE` (or `CHANCERY_CONFIG`), opens the database, starts the service and stays until SIGTERM or
 * SIGINT. Ends the process: 0 after an orderly stop, 78 when the configuration is not usable or a command has to be run
 * first, else 1.
 */
export async function run<Config>(program: Program<Config>): Promise<void> {
	await runProcess(program, async (deps, { database: section, path }) => {
		const { url, maxConnections } = parseSection('database', databaseSection(), section);
		const database = openDatabase({
			url: url instanceof Secret ? url.reveal() : url,
			applicationName: `chancery ${program.name}`,
			maxConnections,
		});
		const close = () => database.close();
		try {
			await requireMigrations(database, program, path);
			refuseFindings(deps.instance, (await program.storedFindings?.(database)) ?? []);
			return { service: await program.open({ ...deps, database }), close };
		} catch (error) {
			await close();
			throw error;
		}
	});
}

/** The same for a service that stores nothing; its file need not have a section `database`. */
export async function runWithoutDatabase<Config>(program: StatelessProgram<Config>): Promise<void> {
	await runProcess(program, async (deps) => ({ service: await program.open(deps), close: async () => undefined }));
}

type Settings<Config> = Awaited<ReturnType<typeof readSettings<Config>>>;

async function runProcess<Config>(
	program: Omit<StatelessProgram<Config>, 'open'>,
	open: (
		deps: Omit<RunDeps<Config>, 'database'>,
		settings: Settings<Config>,
	) => Promise<{ readonly service: Service; close(): Promise<void> }>,
): Promise<void> {
	const { name } = program;
	let logger = createLogger({ level: 'info', json: true, name });
	const crash = (error: unknown, message: string): never => {
		logger.fatal({ err: error }, message);
		process.exit(1);
	};
	process.on('uncaughtException', (error) => crash(error, 'an error that nobody expected'));
	process.on('unhandledRejection', (error) => crash(error, 'a rejection that nobody handled'));
	const started = Promise.withResolvers<() => Promise<void>>();
	stopOnSignal(started.promise, () => logger);
	try {
		trustFromEnvironment();
		const settings = await readSettings(program);
		const { instance, keys } = settings;
		logger = createLogger({ ...settings.logging, name });
		refuseFindings(instance, await staticFindings(program, settings));
		const requireEncrypted = instance.profile === 'production' && !instance.allow.includes('unencrypted-keys');
		const { service, close } = await open(
			{
				config: settings.config,
				instance,
				clock: Date.now,
				random: (n) => new Uint8Array(randomBytes(n)),
				fetch,
				logger,
				openKey: (key) => openConfiguredKey(name, keys, key, requireEncrypted),
			},
			settings,
		);
		const running = await startService(service, { addresses: settings.listen, logger });
		started.resolve(async () => {
			await running.stop();
			await close();
		});
	} catch (error) {
		const failure = describeStartFailure(error, program.explain);
		if (!failure) return crash(error, 'the service did not start');
		// A person reads the sentence, a machine a line like all others. Neither is helped by a stack.
		if (process.stderr.isTTY) process.stderr.write(`${failure.sentence}\n`);
		else logger.fatal(failure.fields, `the service did not start: ${failure.sentence}`);
		process.exit(failure.exitCode);
	}
}

/** What shows before anything is opened: a password must not travel to find out that it should not have. */
async function staticFindings<Config>(
	{ name, findings }: Pick<StatelessProgram<Config>, 'name' | 'findings'>,
	{ config, database, listen, keys }: Settings<Config>,
): Promise<Finding[]> {
	return [
		// It may be there for other services; then it is checked like every part of the file.
		...(database === undefined
			? []
			: databaseFindings('database.url', parseSection('database', databaseSection(), database).url)),
		...listenerFindings(name, listen),
		...(await keyFindings(name, keys)),
		...findings(config),
	];
}

async function requireMigrations<Config>(
	database: Database,
	{ name, migrations }: Pick<Program<Config>, 'name' | 'migrations'>,
	path: string,
): Promise<void> {
	for (const source of migrations)
		try {
			await checkMigrations(database, source);
		} catch (error) {
			if (sqlState(error) === NO_PRIVILEGE)
				throw new ConfigError(
					`the database user may not read which migrations schema ${source.schema} has: grant usage on the schema and select on ${source.schema}.migrations`,
					{ cause: error },
				);
			if (!(error instanceof MigrationError)) throw error;
			const advice = error.code === 'missing' ? `: run 'chancery migrate ${name} --config ${path}'` : '';
			throw new ConfigError(`${error.message}${advice}`, { cause: error });
		}
}

async function readSettings<Config>({ name, config }: Pick<StatelessProgram<Config>, 'name' | 'config'>) {
	const { values } = readArguments();
	const path = values.config ?? process.env.CHANCERY_CONFIG;
	if (path === undefined) throw new ConfigError('no configuration: give --config FILE or set CHANCERY_CONFIG');
	const { instance, sections } = await loadConfig(path);
	const { listen, keys, ...own } = sections[name] ?? {};
	return {
		path,
		instance,
		logging: parseSection('logging', loggingSection, sections.logging),
		database: sections.database,
		listen: parseSection(`${name}.listen`, listenSection, listen),
		keys: parseSection(`${name}.keys`, keysSection(), keys),
		config: parseSection(name, config, own),
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
function stopOnSignal(started: Promise<() => Promise<void>>, logger: () => Logger): void {
	let firstMs: number | undefined;
	const onSignal = (signal: NodeJS.Signals) => {
		if (firstMs !== undefined) {
			if (performance.now() - firstMs < REPEAT_MS) return;
			logger().warn({ signal }, 'stopping without waiting');
			process.exit(1);
		}
		firstMs = performance.now();
		logger().info({ signal }, 'stopping');
		setTimeout(() => {
			logger().fatal({ limitMs: STOP_LIMIT_MS }, 'the stop took too long');
			process.exit(1);
		}, STOP_LIMIT_MS).unref();
		started
			.then((stop) => stop())
			.then(
				() => process.exit(0),
				(error: unknown) => {
					logger().fatal({ err: error }, 'the stop failed');
					process.exit(1);
				},
			);
	};
	process.on('SIGTERM', onSignal);
	process.on('SIGINT', onSignal);
}
