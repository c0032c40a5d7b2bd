/**
 * The server's own messages: a file in the data folder, bounded in size. Its last lines explain a failed start.
 *
 * The server writes to the open file itself, also when we are gone, so the file cannot be replaced. Instead it is copied
 * and then truncated (the server appends, so it continues at the new end).
 */
import { close, open as openFd } from 'node:fs';
import { copyFile, open, rename, rm, stat, truncate } from 'node:fs/promises';
import { promisify } from 'node:util';

const MAX_LOG_BYTES = 8 * 1024 * 1024;
const CHECK_EVERY_MS = 10_000;
const MAX_TAIL_BYTES = 8 * 1024;
const MAX_TAIL_LINES = 20;

export interface ServerLog {
	/** File descriptor for the child process. */
	readonly fd: number;
	/** The last lines written since the log was opened. */
	tail(): Promise<string>;
	/** Closes our descriptor and stops checking the size. */
	close(): Promise<void>;
}

export async function openServerLog(path: string, maxBytes: number = MAX_LOG_BYTES): Promise<ServerLog> {
	const before = await sizeOf(path);
	if (before > maxBytes) await rename(path, `${path}.1`);
	const fd = await promisify(openFd)(path, 'a', 0o600);
	const since = await sizeOf(path);
	const timer = setInterval(() => {
		// A full disk or a removed folder must not end the process that owns the database.
		boundLog(path, maxBytes).catch(() => undefined);
	}, CHECK_EVERY_MS);
	timer.unref();
	return {
		fd,
		tail: () => readTail(path, since),
		close: async () => {
			clearInterval(timer);
			await promisify(close)(fd);
		},
	};
}

/**
 * Keeps one old copy. Lines written between the copy and the truncation are lost; when there is no space for a copy, all
 * lines are lost, because a growing log would keep the disk full.
 */
export async function boundLog(path: string, maxBytes: number): Promise<void> {
	if ((await sizeOf(path)) <= maxBytes) return;
	await copyFile(path, `${path}.1`).catch(() => rm(`${path}.1`, { force: true }).catch(() => undefined));
	await truncate(path);
}

async function readTail(path: string, since: number): Promise<string> {
	const file = await open(path, 'r');
	try {
		const { size } = await file.stat();
		const from = Math.max(size < since ? 0 : since, size - MAX_TAIL_BYTES);
		const { buffer, bytesRead } = await file.read({ buffer: Buffer.alloc(size - from), position: from });
		return buffer.subarray(0, bytesRead).toString('utf8').trim().split('\n').slice(-MAX_TAIL_LINES).join('\n');
	} finally {
		await file.close();
	}
}

async function sizeOf(path: string): Promise<number> {
	return stat(path).then(
		({ size }) => size,
		() => 0,
	);
}
