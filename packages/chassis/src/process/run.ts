/**
 * Runs one service in a process of its own: `main.ts` of a service is one call of `run` with its definition.
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
import { ConfigError, loadConfig, parseSection } from '../config/config.ts';
import {
	databaseSection,
	keysSection,
	listenSection,
	loggingSection,
	openConfiguredKey,
} from '../config/process-config.ts';
import { databaseFindings, keyFindings, listenerFindings } from '../config/process-findings.ts';
import { type Finding, refuseFindings } from '../config/production.ts';
import { Secret } from '../config/secret.ts';
import { createLogger, type Logger } from '../logger.ts';
import type { Service } from '../service.ts';
import type { ServiceDefinition } from '../service-definition.ts';
import { openWithMarks } from './open-with-marks.ts';
import { startService } from './running-service.ts';
import { describeStartFailure } from './start-failure.ts';

/** SQLSTATE insufficient_privilege. */
const NO_PRIVILEGE = '42501';
/** Terminals and process managers often signal twice (the group and the child): that is one wish. */
const REPEAT_MS = 1_000;
/** Whatever hangs (a statement that does not end), the process is gone after this. */
const STOP_LIMIT_MS = 5_000;

/**
 * Reads `--config FILE` (or `CHANCERY_CONFIG`), opens database, keys and marks, starts the service and stays until SIGTERM
 * or SIGINT. The file need not have a section `database` for a service that stores nothing. Ends the process: 0 after an
 * orderly stop, 78 when the configuration is not usable or a command has to be run first, else 1.
 */
export async function run(definition: ServiceDefinition): Promise<void> {
	const { name } = definition;
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
		const settings = await readSettings(definition);
		logger = createLogger({ ...settings.logging, name });
		refuseFindings(settings.instance, await staticFindings(definition, settings));
		const { service, close } = await openService(definition, settings, logger);
		const running = await startService(service, { addresses: settings.listen, logger });
		started.resolve(async () => {
			await running.stop();
			await close();
		});
	} catch (error) {
		const failure = describeStartFailure(error, (cause) => definition.explain?.(cause));
		if (!failure) return crash(error, 'the service did not start');
		// A person reads the sentence, a machine a line like all others. Neither is helped by a stack.
		if (process.stderr.isTTY) process.stderr.write(`${failure.sentence}\n`);
		else logger.fatal(failure.fields, `the service did not start: ${failure.sentence}`);
		process.exit(failure.exitCode);
	}
}

type Settings = Awaited<ReturnType<typeof readSettings>>;

/** `close` ends what was opened for the service; the service itself is closed before. */
async function openService(
	definition: ServiceDefinition,
	settings: Settings,
	logger: Logger,
): Promise<{ readonly service: Service; close(): Promise<void> }> {
	const { config } = settings;
	const deps = async () => ({
		config,
		profile: settings.instance.profile,
		signers: await openKeys(definition, settings),
		clock: Date.now,
		random: (n: number) => new Uint8Array(randomBytes(n)),
		fetch,
		logger,
	});
	if (!definition.migrations) {
		const given = await deps();
		const service = await openWithMarks(definition, config, (marks) => definition.open({ ...given, marks }));
		return { service, close: async () => undefined };
	}
	const { url, maxConnections } = parseSection('database', databaseSection(), settings.database);
	const database = openDatabase({
		url: url instanceof Secret ? url.reveal() : url,
		applicationName: `chancery ${definition.name}`,
		maxConnections,
	});
	const close = () => database.close();
	try {
		await requireMigrations(database, definition.name, definition.migrations, settings.path);
		refuseFindings(settings.instance, (await definition.storedFindings?.(database)) ?? []);
		const given = { ...(await deps()), database };
		const service = await openWithMarks(definition, config, (marks) => definition.open({ ...given, marks }));
		return { service, close };
	} catch (error) {
		await close();
		throw error;
	}
}

async function openKeys(
	{ name, keys }: ServiceDefinition,
	{ instance: { profile, allow }, keys: section }: Settings,
): Promise<Record<string, Signer>> {
	const requireEncrypted = profile === 'production' && !allow.includes('unencrypted-keys');
	const signers: Record<string, Signer> = {};
	for (const key of Object.keys(keys)) signers[key] = await openConfiguredKey(name, section, key, requireEncrypted);
	return signers;
}

/** What shows before anything is opened: a password must not travel to find out that it should not have. */
async function staticFindings(
	definition: ServiceDefinition,
	{ config, database, listen, keys }: Settings,
): Promise<Finding[]> {
	return [
		// It may be there for other services; then it is checked like every part of the file.
		...(database === undefined
			? []
			: databaseFindings('database.url', parseSection('database', databaseSection(), database).url)),
		...listenerFindings(definition.name, listen),
		...(await keyFindings(definition.name, keys)),
		...definition.findings(config),
	];
}

async function requireMigrations(
	database: Database,
	name: string,
	migrations: readonly MigrationSource[],
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

async function readSettings(definition: ServiceDefinition) {
	const { name } = definition;
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
		config: parseSection(name, definition.config(), own),
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
