/**
 * Which host a file mark belongs to: one start of one kernel. Containers of one host have it in common, whatever they are
 * called and whatever their own files say; machines have not, nor has one machine after a restart.
 */
import { readFileSync } from 'node:fs';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';

/** `process` and `name` are for messages: who opened the mark last. */
export interface HostRecord {
	readonly host: string;
	readonly process: number;
	readonly name: string;
}

/** What this process would write. */
export async function ownHostRecord(): Promise<HostRecord> {
	return { host: await hostIdentity(), process: process.pid, name: hostname() };
}

/**
 * Undefined when there is none, or only a piece: it is written without a sync, since it means nothing after a restart.
 *
 * At once, and not through the threads for files: it is read in every turn, and a hundred bytes that the kernel has in its
 * memory took a tenth of the CPU time of a busy log that way. It is opened each time: another host may have replaced it,
 * and a look at its attributes alone could be answered from a cache.
 * @throws {Error} the system's error when it is there and cannot be read
 */
export function readHostRecord(path: string): HostRecord | undefined {
	let text = '';
	try {
		text = readFileSync(path, 'utf8');
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
	}
	try {
		const { host, process: pid, name } = JSON.parse(text) as Record<string, unknown>;
		return typeof host === 'string' && host !== '' ? { host, process: Number(pid), name: String(name) } : undefined;
	} catch {
		return undefined;
	}
}

/** Only under the lock of the mark. */
export async function writeHostRecord(path: string, own: HostRecord): Promise<void> {
	await writeFile(`${path}.new`, JSON.stringify(own), { mode: 0o600 });
	await rename(`${path}.new`, path);
}

async function hostIdentity(): Promise<string> {
	const boot = await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => '');
	// Only Linux has it; elsewhere the name has to do.
	return boot.trim() || hostname();
}
