/**
 * Which host a file mark belongs to: one start of one kernel. Containers of one host have it in common, whatever they are
 * called and whatever their own files say; machines have not, nor has one machine after a restart.
 */
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

/** Undefined when there is none, or only a piece: it is written without a sync, since it means nothing after a restart. */
export async function readHostRecord(path: string): Promise<HostRecord | undefined> {
	const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
		if (error.code === 'ENOENT') return '';
		throw error;
	});
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
