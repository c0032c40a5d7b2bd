/** Everything that a process is told, read and parsed before anything is opened: one file, for all its services. */
import { ConfigError, loadConfig, parseSection } from '../config/config.ts';
import { nearestTo } from '../config/nearest-key.ts';
import {
	databaseSection,
	type KeysSection,
	keysSection,
	type ListenAddress,
	listenSection,
	loggingSection,
	processSection,
} from '../config/process-config.ts';
import { databaseFindings, keyFindings, listenerFindings } from '../config/process-findings.ts';
import type { Finding, InstanceSettings } from '../config/production.ts';
import { Secret } from '../config/secret.ts';
import type { AccessLog, LoggerOptions } from '../logger.ts';
import type { ServiceDefinition } from '../service-definition.ts';

/** One service of the process, and what its section says. */
export interface ServiceSettings {
	readonly definition: ServiceDefinition;
	readonly listen: Readonly<Record<string, ListenAddress>>;
	readonly keys: KeysSection;
	/** As the schema of the definition has parsed it. */
	readonly config: unknown;
}

export interface ProcessSettings {
	/** Of the file. */
	readonly path: string;
	readonly instance: InstanceSettings;
	readonly logging: Pick<LoggerOptions, 'level' | 'json'> & { readonly access: AccessLog };
	/** Between SIGTERM and the end of the listeners. */
	readonly drainMs: number;
	/** Undefined: the file has no such section, which is right where nothing is stored. */
	readonly database: { readonly url: string; readonly maxConnections: number } | undefined;
	readonly services: readonly ServiceSettings[];
}

/** @throws {ConfigError} with the problems of all sections that are read here */
export async function readProcessSettings(
	definitions: readonly ServiceDefinition[],
	path: string,
): Promise<ProcessSettings> {
	const { instance, sections } = await loadConfig(path);
	const problems: string[] = [];
	const attempt = <T>(read: () => T): T | undefined => {
		try {
			return read();
		} catch (error) {
			if (!(error instanceof ConfigError)) throw error;
			problems.push(error.message);
			return undefined;
		}
	};
	const logging = attempt(() => parseSection('logging', loggingSection, sections.logging));
	const own = attempt(() => parseSection('process', processSection, sections.process));
	const isStored = definitions.some(({ migrations }) => migrations !== undefined);
	const database =
		isStored || sections.database !== undefined
			? attempt(() => parseSection('database', databaseSection(), sections.database))
			: undefined;
	const services = definitions.map((definition) => readService(definition, sections[definition.name], attempt));
	for (const { definition, listen, config } of services)
		if (config !== undefined)
			for (const refusal of definition.refusals?.(config, listen) ?? [])
				problems.push(`the configuration is not valid:\n  ${refusal}`);
	if (!logging || !own || problems.length > 0) throw new ConfigError([...new Set(problems)].join('\n'));
	return {
		path,
		instance,
		logging,
		drainMs: own.drainSeconds * 1000,
		database: database && {
			...database,
			url: database.url instanceof Secret ? database.url.reveal() : database.url,
		},
		services,
	};
}

/** What could not be parsed is empty here, and a problem of which the caller tells. */
function readService(
	definition: ServiceDefinition,
	section: Readonly<Record<string, unknown>> | undefined,
	attempt: <T>(read: () => T) => T | undefined,
): ServiceSettings {
	const { name } = definition;
	const { listen, keys, ...own } = section ?? {};
	return {
		definition,
		listen:
			attempt(() => {
				const parsed = parseSection(`${name}.listen`, listenSection, listen);
				requireNames(`${name}.listen`, 'address for its listener', parsed, Object.keys(definition.listeners), [
					'admin',
					'probe',
				]);
				return parsed;
			}) ?? {},
		keys:
			attempt(() => {
				const parsed = parseSection(`${name}.keys`, keysSection(), keys);
				requireNames(`${name}.keys`, 'key', parsed, Object.keys(definition.keys));
				return parsed;
			}) ?? {},
		config: attempt(() => parseSection(name, definition.config(), own)),
	};
}

/** @throws {ConfigError} unless `given` has the `needed` names, perhaps `others`, and no more */
function requireNames(
	where: string,
	what: string,
	given: object,
	needed: readonly string[],
	others: readonly string[] = [],
): void {
	const known = [...needed, ...others];
	const problems = [
		...Object.keys(given)
			.filter((name) => !known.includes(name))
			.map((name) => {
				const nearest = nearestTo(name, known);
				const hint = nearest === undefined ? `known are: ${known.join(', ')}` : `did you mean '${nearest}'?`;
				return `${where}: unknown key '${name}'; ${hint}`;
			}),
		...needed
			.filter((name) => !Object.hasOwn(given, name))
			.map((name) => `${where}.${name}: this service needs the ${what} '${name}'`),
	];
	if (problems.length > 0)
		throw new ConfigError(`the configuration is not valid:\n${problems.map((problem) => `  ${problem}`).join('\n')}`);
}

/** What shows before anything is opened: a password must not travel to find out that it should not have. */
export async function staticFindings({ database, services }: ProcessSettings): Promise<Finding[]> {
	const found = await Promise.all(
		services.map(async ({ definition, listen, keys, config }) => [
			...listenerFindings(definition.name, listen),
			...(await keyFindings(definition.name, keys)),
			...definition.findings(config),
		]),
	);
	// It may be there for other services; then it is checked like every part of the file.
	return [...(database ? databaseFindings('database.url', database.url) : []), ...found.flat()];
}
