/**
 * The files that a command reads: each has a size limit and an error message, and is remembered, so that no output of the
 * same command replaces it. `-` is standard input, for at most one of them.
 */

import { fstatSync, read as readWithCallback } from 'node:fs';
import { constants, type FileHandle, open, stat } from 'node:fs/promises';
import { setTimeout } from 'node:timers/promises';
import { promisify } from 'node:util';
import { FormatError } from '@chancery/core/format-error';
import { parseUniqueJson } from '@chancery/core/json';
import { explainFile, FileProblem } from './file-problem.ts';
import { UsageError } from './usage-error.ts';

const read = promisify(readWithCallback);

/** Identifies a file, whatever its name: links to one file are that file. */
export interface FileIdentity {
	readonly dev: bigint;
	readonly ino: bigint;
}

/** An open file, or standard input. */
export interface OpenInput extends AsyncDisposable {
	readonly fd: number;
	/** Its path, or `standard input`. */
	readonly name: string;
	readonly isStdin: boolean;
}

const STDIN = 0;
const CHUNK_BYTES = 64 * 1024;
const LOOK_AGAIN_MS = 10;

export class InputFiles {
	readonly #identities: FileIdentity[] = [];
	readonly #paths: string[] = [];
	#stdinIs: string | undefined;

	/** Returns the text (UTF-8). @throws {FileProblem | UsageError} when it cannot be read; names the file as `what` */
	async readText(path: string, what: string, maxBytes: number): Promise<string> {
		const bytes = await this.readBytes(path, what, maxBytes);
		try {
			return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
		} catch (cause) {
			throw new UsageError(`${what} ${path} is not text in UTF-8`, { cause });
		}
	}

	/** @throws {Error} as `readText`; {UsageError} when it is not JSON, or when two parsers could read it differently */
	async readJson(path: string, what: string, maxBytes: number): Promise<unknown> {
		const text = await this.readText(path, what, maxBytes);
		try {
			return parseUniqueJson(text);
		} catch (cause) {
			if (!(cause instanceof FormatError)) throw cause;
			const reason = text.trim() === '' ? ': it is empty' : ` that can be used (${cause.message})`;
			throw new UsageError(`${what} ${path} is not JSON${reason}`, { cause });
		}
	}

	/** @throws {Error} as `readText` */
	async readBytes(path: string, what: string, maxBytes: number): Promise<Uint8Array> {
		await using input = await this.open(path, what);
		const chunks: Uint8Array[] = [];
		let length = 0;
		try {
			for (;;) {
				const chunk = new Uint8Array(CHUNK_BYTES);
				const bytesRead = await readChunk(input.fd, chunk);
				if (bytesRead === 0) break;
				length += bytesRead;
				if (length > maxBytes) throw new FileProblem(`${what} ${path} is longer than ${maxBytes} bytes`);
				chunks.push(chunk.subarray(0, bytesRead));
			}
		} catch (error) {
			if (error instanceof FileProblem) throw error;
			throw explainFile(error, `${what} ${input.name} cannot be read`);
		}
		return Buffer.concat(chunks);
	}

	/** Counts as read from now on: an output must not replace it before it is read. */
	expect(path: string): void {
		if (path === '-') this.#identities.push(fstatSync(STDIN, { bigint: true }));
		else this.#paths.push(path);
	}

	/** Opens without waiting for a writer of a pipe. @throws {Error} as `readText` */
	async open(path: string, what: string): Promise<OpenInput> {
		if (path === '') throw new UsageError(`the path of ${what} is empty`);
		if (path === '-') {
			if (this.#stdinIs !== undefined)
				throw new UsageError(`standard input cannot be ${this.#stdinIs} and ${what} at once`);
			this.#stdinIs = what;
			this.#identities.push(fstatSync(STDIN, { bigint: true }));
			return { fd: STDIN, name: 'standard input', isStdin: true, [Symbol.asyncDispose]: async () => undefined };
		}
		let handle: FileHandle;
		try {
			handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
		} catch (error) {
			throw explainFile(error, `${what} ${path} cannot be read`);
		}
		this.#identities.push(await handle.stat({ bigint: true }));
		this.#paths.push(path);
		return { fd: handle.fd, name: path, isStdin: false, [Symbol.asyncDispose]: () => handle.close() };
	}

	/** Whether a file was read, or is now at the path of one that was read. */
	async has(file: FileIdentity): Promise<boolean> {
		const now = await Promise.all(this.#paths.map((path) => stat(path, { bigint: true }).catch(() => undefined)));
		return [...this.#identities, ...now].some((input) => input?.dev === file.dev && input.ino === file.ino);
	}
}

/** Returns 0 at the end. Waits for an open pipe that has no data yet. */
export async function readChunk(fd: number, buffer: Uint8Array): Promise<number> {
	for (;;) {
		try {
			return (await read(fd, buffer, 0, buffer.length, null)).bytesRead;
		} catch (error) {
			const { code } = error as NodeJS.ErrnoException;
			// On Windows, an empty standard input causes this error.
			if (code === 'EOF') return 0;
			if (code !== 'EAGAIN') throw error;
			await setTimeout(LOOK_AGAIN_MS);
		}
	}
}
