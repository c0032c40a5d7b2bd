/**
 * Secrets in the configuration: never the value, only where it is. What comes out does not print itself.
 */
import { readFileSync, statSync } from 'node:fs';
import { inspect } from 'node:util';
import { z } from 'zod';

/** Variables that `{ env: NAME }` is looked up in. */
export type Environment = Readonly<Record<string, string | undefined>>;

const MASK = '[secret]';
const MAX_SECRET_BYTES = 64 * 1024;

/** A value that logs, JSON and string conversion show only as a mask. */
export class Secret {
	readonly #value: string;
	/** The file that it was read from; undefined when it came from the environment. */
	readonly file: string | undefined;

	constructor(value: string, file?: string) {
		this.#value = value;
		this.file = file;
	}

	/** The value itself; call it where it is used and keep no copy. */
	reveal(): string {
		return this.#value;
	}

	toString(): string {
		return MASK;
	}

	toJSON(): string {
		return MASK;
	}

	[inspect.custom](): string {
		return MASK;
	}
}

/**
 * Schema of `{ file: path }` or `{ env: NAME }`, resolved while the configuration is parsed. One line end at the end of
 * a file is not part of the secret. A missing or empty source is an issue of the schema, which names the source only.
 */
export function secret(env: Environment = process.env) {
	const reference = z.union([z.strictObject({ file: z.string().min(1) }), z.strictObject({ env: z.string().min(1) })], {
		error: 'a secret is written as { file: PATH } or { env: NAME }, never as its value',
	});
	return reference.transform((from, context): Secret => {
		const found = 'file' in from ? readSecretFile(from.file) : { value: env[from.env], problem: 'is not set' };
		if (found.value) return new Secret(found.value, 'file' in from ? from.file : undefined);
		const source = 'file' in from ? `the file ${from.file}` : `the environment variable ${from.env}`;
		context.issues.push({
			code: 'custom',
			message: `${source} ${found.value === '' ? 'is empty' : found.problem}`,
			// The reference, not the value: zod keeps the input of an issue.
			input: from,
		});
		return z.NEVER;
	});
}

function readSecretFile(path: string): { value: string | undefined; problem: string } {
	try {
		if (statSync(path).size > MAX_SECRET_BYTES) return { value: undefined, problem: 'is too large for a secret' };
		return { value: readFileSync(path, 'utf8').replace(/\r?\n$/, ''), problem: '' };
	} catch (error) {
		const code = (error as NodeJS.ErrnoException).code ?? 'unknown error';
		return { value: undefined, problem: `cannot be read (${code})` };
	}
}
