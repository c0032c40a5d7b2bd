/**
 * `chancery config check`: what services would make of a configuration file, without starting them. It reads the file and
 * those that it names, and calls nobody: no database, no token, no other service.
 */
import { ConfigError, type Configuration, loadConfig, parseSection } from '@chancery/chassis/config/config';
import { databaseSection, loggingSection, processSection } from '@chancery/chassis/config/process-config';
import type { Finding, InstanceSettings } from '@chancery/chassis/config/production';
import { type ProcessSettings, readProcessSettings, staticFindings } from '@chancery/chassis/process/process-settings';
import { chooseServices } from './chosen-services.ts';
import { type ResolvedSetting, resolveSettings } from './resolved-settings.ts';

export interface ConfigCheck {
	readonly path: string;
	/** Those that were checked, by name. */
	readonly services: readonly string[];
	/** Undefined when the file is not that far in order. */
	readonly instance: InstanceSettings | undefined;
	/** Empty when there are problems. */
	readonly settings: readonly ResolvedSetting[];
	/** What production does not start with, whatever the profile is. */
	readonly findings: readonly (Finding & { readonly isAllowed: boolean })[];
	/** Why nothing would start, one sentence each. Findings that are not allowed are not among them. */
	readonly problems: readonly string[];
	/** Whether the services would start, as far as their configuration goes. */
	readonly isUsable: boolean;
}

/**
 * Checks the sections of the named services, or all that the file has a section for.
 * @throws only what is no fault of the configuration
 */
export async function checkConfig(path: string, named: readonly string[]): Promise<ConfigCheck> {
	let services: readonly string[] = [];
	let instance: InstanceSettings | undefined;
	const refused = (problems: readonly string[]): ConfigCheck => ({
		path,
		services,
		instance,
		settings: [],
		findings: [],
		problems,
		isUsable: false,
	});
	try {
		const configuration = await loadConfig(path);
		instance = configuration.instance;
		const definitions = chooseServices(named, configuration.sections);
		services = definitions.map(({ name }) => name);
		const process = await readProcessSettings(definitions, path);
		const problems = [...missingAdmin(process), ...(await markProblems(process))];
		if (problems.length > 0) return refused(problems);
		const { profile, allow } = instance;
		const findings = (await staticFindings(process)).map((finding) => ({
			...finding,
			isAllowed: allow.includes(finding.exception),
		}));
		const isUsable = profile === 'development' || findings.every(({ isAllowed }) => isAllowed);
		return { ...refused([]), settings: settingsOf(configuration, process), findings, isUsable };
	} catch (error) {
		if (!(error instanceof ConfigError)) throw error;
		return refused(problemsOf(error));
	}
}

/** The message of an error lists its problems below a line that announces them. */
function problemsOf({ message }: ConfigError): string[] {
	const [first = '', ...rest] = message.split('\n');
	const lines = rest.filter((line) => line.startsWith('  ')).map((line) => line.trim());
	return lines.length === 0 ? [first] : lines;
}

function missingAdmin({ services }: ProcessSettings): string[] {
	return services
		.filter(({ listen }) => !Object.hasOwn(listen, 'admin'))
		.map(({ definition: { name } }) => `${name}.listen.admin: its listener 'admin' needs an address`);
}

/** Marks open when they are used; here only where they are is asked. */
async function markProblems({ services }: ProcessSettings): Promise<string[]> {
	const problems: string[] = [];
	for (const { definition, config } of services)
		try {
			for (const mark of Object.values(definition.openMarks(config))) await mark.close?.();
		} catch (error) {
			if (!(error instanceof ConfigError)) throw error;
			problems.push(...problemsOf(error));
		}
	return problems;
}

function settingsOf({ instance, instanceKeys, sections }: Configuration, process: ProcessSettings): ResolvedSetting[] {
	const { env } = globalThis.process;
	const top = Object.entries(instance).flatMap(([name, value]) =>
		resolveSettings(name, value, instanceKeys.includes(name) ? value : undefined, env),
	);
	const database = process.database && parseSection('database', databaseSection(), sections.database);
	const logging = parseSection('logging', loggingSection, sections.logging);
	const own = parseSection('process', processSection, sections.process);
	const ofServices = process.services.flatMap(({ definition: { name }, listen, keys, config }) =>
		resolveSettings(name, { listen, keys, ...(config as object) }, sections[name], env),
	);
	return [
		...top,
		...resolveSettings('database', database, sections.database, env),
		...resolveSettings('logging', logging, sections.logging, env),
		...resolveSettings('process', own, sections.process, env),
		...ofServices,
	];
}
