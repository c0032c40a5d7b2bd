/** Every setting as it holds, with where it comes from; what is secret is shown by its place alone. */
import { overriddenSetting } from '@chancery/chassis/config/config';
import { type Environment, Secret } from '@chancery/chassis/config/secret';
import { maskCredentials } from '@chancery/net/mask-credentials';

export interface ResolvedSetting {
	/** `ca.publicUrl`, `ca.issuers.0.issuer` */
	readonly path: string;
	/** A scalar, a list of scalars, or the reference `{ file }` or `{ env }` that holds a secret or a longer text. */
	readonly value: unknown;
	readonly from: 'file' | 'environment' | 'default';
	/** The environment variable. */
	readonly variable?: string;
}

type Mapping = Readonly<Record<string, unknown>>;

/**
 * @param parsed what the schema has made of a section, named `name`
 * @param raw what was written: file and environment together
 */
export function resolveSettings(name: string, parsed: unknown, raw: unknown, env: Environment): ResolvedSetting[] {
	const overrides = Object.keys(env).flatMap((variable) => {
		const path = overriddenSetting(variable);
		return path && env[variable] !== '' ? [{ variable, path: path.join('.') }] : [];
	});
	return [...leavesOf(name, parsed, raw)].map(({ path, value, isGiven }) => {
		const override = overrides.find((one) => path === one.path || path.startsWith(`${one.path}.`));
		if (override) return { path, value, from: 'environment', variable: override.variable };
		return { path, value, from: isGiven ? 'file' : 'default' };
	});
}

interface Leaf {
	readonly path: string;
	readonly value: unknown;
	readonly isGiven: boolean;
}

function* leavesOf(path: string, parsed: unknown, raw: unknown): Generator<Leaf> {
	const isGiven = raw !== undefined;
	if (parsed === undefined) return;
	// Of a secret, and of a text that a file holds, the reference is what there is to see.
	if (parsed instanceof Secret || (typeof parsed === 'string' && isMapping(raw)))
		yield { path, value: isMapping(raw) ? raw : String(new Secret('')), isGiven };
	else if (isMapping(parsed) && Object.keys(parsed).length > 0)
		for (const [key, value] of Object.entries(parsed)) yield* leavesOf(`${path}.${key}`, value, memberOf(raw, key));
	else if (Array.isArray(parsed) && parsed.some((each) => typeof each === 'object'))
		for (const [i, each] of parsed.entries()) yield* leavesOf(`${path}.${i}`, each, memberOf(raw, String(i)));
	else yield { path, value: shown(parsed), isGiven };
}

function memberOf(value: unknown, key: string): unknown {
	if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
	return (value as Mapping)[key];
}

/** A URL of a database may have a password in it, and JSON has only some of the values that a schema makes. */
function shown(value: unknown): unknown {
	if (typeof value === 'string') return maskCredentials(value);
	if (Array.isArray(value)) return value.map(shown);
	return value === null || typeof value === 'number' || typeof value === 'boolean' || isMapping(value)
		? value
		: maskCredentials(String(value));
}

function isMapping(value: unknown): value is Mapping {
	return value !== null && typeof value === 'object' && Object.getPrototypeOf(value) === Object.prototype;
}
