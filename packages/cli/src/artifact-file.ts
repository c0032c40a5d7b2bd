/**
 * Reads an artifact of any size once, in pieces: only its digests are kept. A file that changes while it is read is refused,
 * because afterwards nobody could say what was signed.
 */
import { createHash } from 'node:crypto';
import { type BigIntStats, fstatSync } from 'node:fs';
import { HASHES } from '@chancery/core/algorithms';
import type { HashAlgorithm } from '@chancery/core/sha';
import type { Artifact, ArtifactDigest } from '@chancery/verify/artifact';
import { ByteProgress } from './byte-progress.ts';
import { explainFile, FileProblem } from './file-problem.ts';
import { type InputFiles, type OpenInput, readChunk } from './input-files.ts';

/** Larger pieces are not faster. */
const CHUNK_BYTES = 1024 * 1024;

export interface ReadOptions {
	/** Whether to show no progress, also on a terminal. */
	readonly isQuiet: boolean;
}

/**
 * Returns the digests of the file at `path` (`-`: of standard input).
 * @throws {FileProblem} when it is not a file, cannot be read, or changes while it is read
 */
export async function digestFile(
	path: string,
	hashes: readonly HashAlgorithm[],
	inputs: InputFiles,
	options: ReadOptions,
): Promise<Artifact> {
	const running = hashes.map((algorithm) => ({ algorithm, hash: createHash(HASHES[algorithm].name) }));
	await readPieces(path, inputs, options, (piece) => {
		for (const { hash } of running) hash.update(piece);
	});
	const digests = running.map(({ algorithm, hash }): ArtifactDigest => ({ algorithm, value: hash.digest() }));
	return { digests };
}

/**
 * Returns the whole file, for signatures over the bytes themselves.
 * @throws {Error} as `digestFile`, and when it is longer than `maxBytes`
 */
export async function readWholeFile(
	path: string,
	maxBytes: number,
	tooLong: string,
	inputs: InputFiles,
	options: ReadOptions,
): Promise<Artifact> {
	const pieces: Uint8Array[] = [];
	let length = 0;
	await readPieces(path, inputs, options, (piece) => {
		length += piece.length;
		if (length > maxBytes) throw new FileProblem(`${path} is longer than ${maxBytes} bytes: ${tooLong}`);
		pieces.push(Uint8Array.from(piece));
	});
	return { bytes: Buffer.concat(pieces) };
}

async function readPieces(
	path: string,
	inputs: InputFiles,
	{ isQuiet }: ReadOptions,
	take: (piece: Uint8Array) => void,
): Promise<void> {
	await using input = await inputs.open(path, 'the artifact');
	const before = fstatSync(input.fd, { bigint: true });
	if (!input.isStdin) checkKind(before, path);
	const size = before.isFile() && !input.isStdin ? before.size : undefined;
	using progress = new ByteProgress(input.name, size === undefined ? undefined : Number(size), isQuiet);
	const total = await readAll(input, size, progress, take);
	const after = fstatSync(input.fd, { bigint: true });
	const isSame = after.size === before.size && after.mtimeNs === before.mtimeNs && (size ?? total) === total;
	if (before.isFile() && !isSame)
		throw new FileProblem(
			`${input.name} changed while it was read; nothing was done with it, try again when it is complete`,
		);
}

/** Reads while hashing: one buffer is filled while the other is hashed. */
async function readAll(
	{ fd, name }: OpenInput,
	size: bigint | undefined,
	progress: ByteProgress,
	take: (piece: Uint8Array) => void,
): Promise<bigint> {
	const buffers = [new Uint8Array(CHUNK_BYTES), new Uint8Array(CHUNK_BYTES)] as const;
	let total = 0n;
	try {
		let next = readChunk(fd, buffers[0]);
		for (let i = 0; ; i++) {
			const bytesRead = await next;
			// A file that is longer than its size is growing, and reading it may never end.
			if (bytesRead === 0 || (size !== undefined && total > size)) return total;
			next = readChunk(fd, buffers[(i + 1) % 2 === 0 ? 0 : 1]);
			// It may fail before it is awaited.
			next.catch(() => undefined);
			try {
				take(buffers[i % 2 === 0 ? 0 : 1].subarray(0, bytesRead));
			} catch (error) {
				await next.catch(() => undefined);
				throw error;
			}
			total += BigInt(bytesRead);
			progress.add(bytesRead);
		}
	} catch (error) {
		if (error instanceof FileProblem) throw error;
		throw explainFile(error, `the artifact ${name} cannot be read`);
	}
}

function checkKind(found: BigIntStats, path: string): void {
	if (found.isFile()) return;
	if (found.isDirectory()) throw new FileProblem(`${path} is a folder; name a file, or sign an archive of it`);
	const kind = found.isFIFO() ? 'a pipe' : found.isSocket() ? 'a socket' : 'a device';
	throw new FileProblem(`${path} is ${kind} and no file; what comes out of it can be given as '-', on standard input`);
}
