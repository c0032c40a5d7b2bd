/**
 * The configuration: one YAML file with the profile of the instance and a section per service, overridden by environment
 * variables, each part parsed once by a strict schema.
 */
import { readFile, stat } from 'node:fs/promises';
import { parseDocument } from 'yaml';
import type { z } from 'zod';
import { ConfigError } from './config-error.ts';
import { refuseMovedSettings } from './moved-settings.ts';
import { nearestTo } from './nearest-key.ts';
import { type InstanceSettings, instanceSchema } from './production.ts';
import { pathsBeside, resolvePaths } from './relative-paths.ts';
import { knownKeysAt } from './schema-keys.ts';
import type { Environment } from './secret.ts';

export { ConfigError };

/** Sections by name, not yet parsed by any schema. */
export type ConfigSections = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/** A configuration file: what holds for the whole instance, and the sections. */
export interface Configuration {
	readonly instance: InstanceSettings;
	/** The keys of `instance` that somebody has written; the others have their defaults. */
	readonly instanceKeys: readonly string[];
	readonly sections: ConfigSections;
}

/** What is read before any schema. */
interface RawConfiguration {
	readonly instance: Record<string, unknown>;
	readonly sections: Record<string, Record<string, unknown>>;
}

const MAX_FILE_BYTES = 1024 * 1024;
/** Keys at the top of the file that are no sections. */
const INSTANCE_KEYS = new Set(['profile', 'allow']);
const INSTANCE_OVERRIDE = /^CHANCERY_(PROFILE|ALLOW)$/;
const OVERRIDE = /^CHANCERY_([A-Z0-9]+(?:_[A-Z0-9]+)*)__([A-Z0-9_]+)$/;

/**
 * Reads the file at `path` and applies overrides: `CHANCERY_CA__PUBLIC_URL` is `publicUrl` in section `ca`, a further
 * `__` goes one level deeper; the value is read as it would stand in the file (`8080` is a number, `"8080"` is text).
 * `CHANCERY_PROFILE` and `CHANCERY_ALLOW` are the keys at the top, where an empty value is none; exceptions may also be
 * written `a,b`. Relative paths are resolved against the folder of the file, or name credentials
 * beside it (relative-paths.ts).
 * @throws {ConfigError}
 */
export async function loadConfig(path: string, env: Environment = process.env): Promise<Configuration> {
	const { instance, sections } = applyOverrides(parseYaml(await readBounded(path), path), env);
	refuseMovedSettings(sections);
	const absolute = pathsBeside(path, env);
	for (const section of Object.values(sections)) resolvePaths(section, absolute);
	return { instance: parseSection('', instanceSchema, instance), instanceKeys: Object.keys(instance), sections };
}

/**
 * The setting that an environment variable stands for, as a path: `['ca', 'publicUrl']`, `['profile']`. Undefined for a
 * variable that is none of the configuration.
 * @throws {ConfigError} when it has the form, and names nothing
 */
export function overriddenSetting(variable: string): string[] | undefined {
	const [, key] = INSTANCE_OVERRIDE.exec(variable) ?? [];
	if (key !== undefined) return [key.toLowerCase()];
	const match = OVERRIDE.exec(variable);
	if (!match) return undefined;
	const [, section = '', rest = ''] = match;
	const fields = rest.split('__').map(camelCase);
	if (fields.includes('')) throw new ConfigError(`the environment variable ${variable} names no field`);
	return [camelCase(section), ...fields];
}

/**
 * Parses one section. Unknown keys are refused with the nearest known key.
 * @throws {ConfigError} listing every problem
 */
export function parseSection<S extends z.ZodType>(name: string, schema: S, value: unknown): z.output<S> {
	const result = schema.safeParse(value ?? {});
	if (result.success) return result.data;
	const problems = result.error.issues.flatMap((issue) => describeIssue(name, schema, issue));
	throw new ConfigError(`the configuration is not valid:\n${problems.map((problem) => `  ${problem}`).join('\n')}`);
}

async function readBounded(path: string): Promise<string> {
	try {
		const found = await stat(path);
		// What is read only once, or waits for a writer, is none: the file is read by every process, and again by commands.
		if (!found.isFile() && !found.isDirectory())
			throw new ConfigError(`the configuration file ${path} is no file, but a pipe or a device`);
		if (found.size > MAX_FILE_BYTES)
			throw new ConfigError(`the configuration file ${path} is longer than ${MAX_FILE_BYTES} bytes`);
		return await readFile(path, 'utf8');
	} catch (error) {
		if (error instanceof ConfigError) throw error;
		const code = (error as NodeJS.ErrnoException).code ?? 'unknown error';
		throw new ConfigError(`the configuration file ${path} cannot be read (${code})`, { cause: error });
	}
}

function parseYaml(text: string, path: string): RawConfiguration {
	const document = parseDocument(text, { uniqueKeys: true, prettyErrors: true });
	const [problem] = [...document.errors, ...document.warnings];
	// Only the place: the library's message quotes the line, which may hold what nobody should have written there.
	if (problem) {
		const line = problem.linePos?.[0].line;
		throw new ConfigError(`${path}${line === undefined ? '' : `:${line}`} is not valid YAML (${problem.code})`);
	}
	let root: unknown;
	try {
		root = document.toJS({ maxAliasCount: 50 });
	} catch {
		// An alias that nobody defined is quoted by the library, and a secret that begins with an asterisk is one.
		throw new ConfigError(`${path} cannot be read: too many aliases, or one that is not defined (*name)`);
	}
	const instance: Record<string, unknown> = {};
	const sections: Record<string, Record<string, unknown>> = {};
	if (root === null || root === undefined) return { instance, sections };
	if (!isMapping(root)) throw new ConfigError(`${path} must be a mapping of sections`);
	for (const [name, section] of Object.entries(root)) {
		if (INSTANCE_KEYS.has(name)) {
			define(instance, name, section);
			continue;
		}
		if (section !== null && !isMapping(section))
			throw new ConfigError(`section '${name}' of ${path} must be a mapping`);
		define(sections, name, section ?? {});
	}
	return { instance, sections };
}

function applyOverrides(raw: RawConfiguration, env: Environment): RawConfiguration {
	const { instance, sections } = raw;
	// Sorted, so that an override of a whole mapping comes before one inside it.
	for (const variable of Object.keys(env).sort()) {
		const text = env[variable];
		if (text === undefined) continue;
		const [top, ...fields] = overriddenSetting(variable) ?? [];
		if (top === undefined) continue;
		const field = fields.pop();
		if (field === undefined) {
			if (text.trim() === '') continue;
			const value = readScalar(variable, text);
			const isNames = top === 'allow' && typeof value === 'string';
			define(instance, top, isNames ? value.split(',').map((name) => name.trim()) : value);
			continue;
		}
		let at = childMapping(sections, top, variable);
		for (const name of fields) at = childMapping(at, name, variable);
		define(at, field, readScalar(variable, text));
	}
	return raw;
}

function childMapping(parent: Record<string, unknown>, name: string, variable: string): Record<string, unknown> {
	const child = Object.hasOwn(parent, name) ? parent[name] : undefined;
	if (isMapping(child)) return child;
	if (child !== undefined && child !== null)
		throw new ConfigError(`the environment variable ${variable} goes inside '${name}', which is not a mapping`);
	const made: Record<string, unknown> = {};
	define(parent, name, made);
	return made;
}

function readScalar(variable: string, text: string): unknown {
	const refuse = (cause?: unknown) =>
		new ConfigError(`the environment variable ${variable} is not a YAML value; quote it to mean text`, { cause });
	const document = parseDocument(text);
	if (document.errors.length > 0 || document.warnings.length > 0) throw refuse();
	try {
		return document.toJS({ maxAliasCount: 0 });
	} catch (cause) {
		// `*name` is an alias, and there is nothing here for one to mean.
		throw refuse(cause);
	}
}

/** Own members only, whatever they are called: `__proto__` is then refused by the schema like any unknown key. */
function define(target: object, name: string, value: unknown): void {
	Object.defineProperty(target, name, { value, enumerable: true, configurable: true, writable: true });
}

function isMapping(value: unknown): value is Record<string, unknown> {
	return value !== null && typeof value === 'object' && !Array.isArray(value);
}

function camelCase(screaming: string): string {
	return screaming.toLowerCase().replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

function describeIssue(name: string, schema: z.ZodType, issue: z.core.$ZodIssue): string[] {
	const where = [...(name === '' ? [] : [name]), ...issue.path.map(String)].join('.');
	if (issue.code === 'unrecognized_keys') {
		const known = knownKeysAt(schema, issue.path);
		return issue.keys.map((key) => {
			const nearest = nearestTo(key, known);
			const hint = nearest ? `did you mean '${nearest}'?` : `known are: ${[...known].sort().join(', ')}`;
			return `${where}: unknown key '${key}'; ${hint}`;
		});
	}
	const missing = /^Invalid input: expected (.+), received undefined$/.exec(issue.message);
	return [`${where}: ${missing ? `is missing; expected ${missing[1]}` : issue.message}`];
}
