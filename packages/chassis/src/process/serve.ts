/**
 * Runs a set of services in this process, from one configuration file, until a signal ends it. A service that cannot work
 * does not listen: everything of all of them is looked at before the first port is bound.
 *
 * The section of a service holds, beside its own fields, `listen` and `keys`; the sections `database`, `logging` and
 * `process` belong to the process, `profile` and `allow` to the instance. Sections of other services are left alone, so that one
 * file serves all.
 */
import { trustFromEnvironment } from '@chancery/net/tls-authorities';
import { ConfigError } from '../config/config-error.ts';
import { refuseFindings } from '../config/production.ts';
import { createLogger, type Logger } from '../logger.ts';
import type { Service } from '../service.ts';
import type { ServiceDefinition } from '../service-definition.ts';
import { openProcess } from './open-process.ts';
import { readProcessSettings, staticFindings } from './process-settings.ts';
import { tellSupervisor } from './processes.ts';
import { type RunningService, startService } from './running-service.ts';
import { tellServiceManager } from './service-manager.ts';
import { describeStartFailure } from './start-failure.ts';

/** Terminals and process managers often signal twice (the group and the child): that is one wish. */
const REPEAT_MS = 1_000;
/** Whatever hangs (a statement that does not end), the process is gone so long after its drain. */
const STOP_LIMIT_MS = 5_000;

export interface ServeOptions {
	/** Of the process, in the lines of the logger. */
	readonly name: string;
	/**
	 * What runs, and from which file. Called once, with the signals already watched.
	 * @throws {ConfigError} when nobody has said it
	 */
	plan(): Promise<{ readonly path: string; readonly definitions: readonly ServiceDefinition[] }>;
	/** Called once, when all of them listen. */
	onStarted?(): void;
}

/**
 * Starts the services and stays until SIGTERM or SIGINT. Ends the process: 0 after an orderly stop, 78 when the
 * configuration is not usable or a command has to be run first, else 1.
 */
export async function serve({ name, plan, onStarted }: ServeOptions): Promise<void> {
	let logger = createLogger({ level: 'info', json: true, name });
	const crash = (error: unknown, message: string): never => {
		logger.fatal({ err: error }, message);
		process.exit(1);
	};
	process.on('uncaughtException', (error) => crash(error, 'an error that nobody expected'));
	process.on('unhandledRejection', (error) => crash(error, 'a rejection that nobody handled'));
	const started = Promise.withResolvers<Started>();
	stopOnSignal(started.promise, () => logger);
	let definitions: readonly ServiceDefinition[] = [];
	try {
		trustFromEnvironment();
		const planned = await plan();
		definitions = planned.definitions;
		const settings = await readProcessSettings(definitions, planned.path);
		logger = createLogger({ ...settings.logging, name });
		refuseFindings(settings.instance, await staticFindings(settings));
		const isOne = definitions.length === 1;
		const loggerOf = (service: string) => (isOne ? logger : logger.child({ service }));
		const opened = await openProcess(settings, loggerOf);
		const running: RunningService[] = [];
		const stop = async (drainMs: number) => {
			// All at once: each may take three seconds when its clients hang, and together they have five.
			await Promise.all(running.map((service) => service.stop({ drainMs })));
			await opened.close();
		};
		try {
			for (const { service, settings: own } of opened.services) requireAddresses(service, own.listen);
		} catch (error) {
			await Promise.allSettled(opened.services.map(({ service }) => service.close()));
			await opened.close();
			throw error;
		}
		try {
			for (const { service, settings: own } of opened.services)
				running.push(await startService(service, { addresses: own.listen, logger, access: settings.logging.access }));
		} catch (error) {
			// The one that did not start has closed itself.
			const rest = opened.services.slice(running.length + 1);
			await Promise.allSettled(rest.map(({ service }) => service.close()));
			await stop(0);
			throw error;
		}
		started.resolve({ drainMs: settings.drainMs, stop });
		onStarted?.();
		tellServiceManager('READY=1', logger);
	} catch (error) {
		const explain = (cause: unknown) =>
			definitions.map((definition) => definition.explain?.(cause)).find((sentence) => sentence !== undefined);
		const failure = describeStartFailure(error, explain);
		if (!failure) return crash(error, 'the service did not start');
		// A person reads the sentence, a machine a line like all others. Neither is helped by a stack.
		if (process.stderr.isTTY) process.stderr.write(`${failure.sentence}\n`);
		else logger.fatal(failure.fields, `the service did not start: ${failure.sentence}`);
		process.exit(failure.exitCode);
	}
}

/** @throws {ConfigError} when a listener of the service has no address: before the first of any service is bound */
function requireAddresses(service: Service, listen: object): void {
	const missing = service.listeners.filter(({ name }) => !Object.hasOwn(listen, name));
	if (missing.length === 0) return;
	const lines = missing.map(({ name }) => `  ${service.name}.listen.${name}: its listener '${name}' needs an address`);
	throw new ConfigError(`the configuration is not valid:\n${lines.join('\n')}`);
}

/** What there is to stop. */
interface Started {
	/** As configured. */
	readonly drainMs: number;
	stop(drainMs: number): Promise<void>;
}

/**
 * The first signal stops in order, also when the start is not over yet; another one, more than a second later, ends the
 * process as it is. Only SIGTERM drains: whoever presses Ctrl-C has no load balancer that has to notice.
 */
function stopOnSignal(started: Promise<Started>, logger: () => Logger): void {
	let firstMs: number | undefined;
	const onSignal = (signal: NodeJS.Signals) => {
		if (firstMs !== undefined) {
			if (performance.now() - firstMs < REPEAT_MS) return;
			logger().warn({ signal }, 'stopping without waiting');
			process.exit(1);
		}
		firstMs = performance.now();
		logger().info({ signal }, 'stopping');
		tellServiceManager('STOPPING=1', logger());
		let limit = endAfter(STOP_LIMIT_MS, logger);
		started
			.then((running) => {
				const drainMs = signal === 'SIGTERM' ? running.drainMs : 0;
				clearTimeout(limit);
				limit = endAfter(drainMs + STOP_LIMIT_MS, logger);
				tellSupervisor(drainMs + STOP_LIMIT_MS);
				return running.stop(drainMs);
			})
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

function endAfter(limitMs: number, logger: () => Logger): NodeJS.Timeout {
	return setTimeout(() => {
		logger().fatal({ limitMs }, 'the stop took too long');
		process.exit(1);
	}, limitMs).unref();
}
