/**
 * Two files that record where things are: `instance.json`, which `chancery up` writes into its data folder, and
 * `mirror.json`, which `initialize` writes for later commands. A person may edit both.
 */
import { isAbsolute } from 'node:path';
import { UsageError } from './usage-error.ts';

/** Absolute paths of the files that clients need. */
export interface InstanceFile {
	readonly trustedRoot: string;
	readonly signingConfig: string;
	/** The TLS authority of an instance with a certificate of its own, or of a private CA. */
	readonly tlsCa?: string;
}

/** @throws {UsageError} naming the file at `path` and what is wrong with it */
export function parseInstanceFile(text: string, path: string): InstanceFile {
	const { trustedRoot, signingConfig, tlsCa } = parseObject(text, path);
	if (!isPath(trustedRoot) || !isPath(signingConfig) || !(tlsCa === undefined || isPath(tlsCa)))
		throw new UsageError(`${path} does not say where the trust of an instance is; 'chancery up' writes it anew`);
	return { trustedRoot, signingConfig, ...(tlsCa === undefined ? {} : { tlsCa }) };
}

/** The URL of the TUF repository. @throws {UsageError} as above */
export function parseMirrorFile(text: string, path: string): string {
	const { mirror } = parseObject(text, path);
	const protocol = typeof mirror === 'string' ? URL.parse(mirror)?.protocol : undefined;
	if (typeof mirror !== 'string' || (protocol !== 'http:' && protocol !== 'https:'))
		throw new UsageError(`${path} names no mirror; run 'chancery initialize' again`);
	return mirror;
}

function parseObject(text: string, path: string): Readonly<Record<string, unknown>> {
	let value: unknown;
	try {
		value = JSON.parse(text);
	} catch (cause) {
		throw new UsageError(`${path} is not JSON`, { cause });
	}
	if (typeof value !== 'object' || value === null) throw new UsageError(`${path} is not a JSON object`);
	return value as Readonly<Record<string, unknown>>;
}

function isPath(value: unknown): value is string {
	return typeof value === 'string' && isAbsolute(value) && !value.includes('\0');
}
