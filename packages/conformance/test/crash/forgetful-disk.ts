/**
 * Power failures for a database and its marks: `unsynced-writes.c` keeps what was synced, and here the folders are
 * rebuilt from that, as a disk might show them after the power came back.
 *
 * What survives: the content of every file as of its last sync; names (creations, renames, removals) in order up to the
 * last sync of anything, as a journal keeps them; and beyond both, by chance, some of what was not synced: a beginning of
 * the later names, and single blocks of 4 KiB, so that pages of the database are torn.
 */
import { execFile } from 'node:child_process';
import { chmod, chown, copyFile, mkdir, open, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { findBinaries } from '@chancery/postgres/embedded/binaries';
import { DEFAULT_SERVER_HOME, makeServerHome } from '@chancery/postgres/embedded/cluster-place';
import type { SeededRandom } from '@chancery/testkit/seeded-random';

const SOURCE = join(import.meta.dirname, 'unsynced-writes.c');
const ANYBODY = { uid: 65534, gid: 65534 };
const BLOCK = 4_096;
const HEADER = 64;
const UNCUT = 2n ** 64n - 1n;
/** Percent of a file's unsynced blocks that reach the disk nevertheless; mostly none, as after a cut cable. */
const SURVIVING_PERCENT = [0, 0, 0, 30, 100] as const;

/** Settings that make a short run meet what a long one does: checkpoints, and segments of the journal used again. */
const SETTINGS = ['io_method=sync', 'max_wal_size=48MB', 'min_wal_size=32MB', 'checkpoint_timeout=30s'];

export interface PowerFailure {
	/** Blocks of 4 KiB that were written, never synced, and are gone. */
	readonly lostBlocks: number;
	/** Those that survived although nobody had asked for it. */
	readonly keptBlocks: number;
	/** Creations, renames and removals that are undone. */
	readonly lostNames: number;
}

export interface ForgetfulDisk {
	/** Takes what lies in the folders now for durable. Nothing may run in them. */
	begin(): Promise<void>;
	/** Environment of a log process on this disk; with `lies` its syncs do nothing. */
	environment(lies?: boolean): NodeJS.ProcessEnv;
	/** Folder of database programs that run on this disk. */
	binDir(lies?: boolean): Promise<string>;
	/**
	 * Makes the folders what a disk might show after everything in them was killed at once. Without `random` nothing
	 * survives that was not synced.
	 */
	failPower(random?: SeededRandom): Promise<PowerFailure>;
}

/** @param roots folders that are watched; @param folder where the store is made, on the same file system. */
export async function createForgetfulDisk(roots: readonly string[], folder: string): Promise<ForgetfulDisk> {
	const store = join(folder, 'store');
	const library = join(folder, 'unsynced-writes.so');
	await promisify(execFile)('cc', ['-O2', '-shared', '-fPIC', '-o', library, SOURCE, '-ldl']);
	const isRoot = process.geteuid?.() === 0;
	if (isRoot) await makeServerHome(DEFAULT_SERVER_HOME);
	// As anybody may use them: the server's account is chosen when it starts.
	const { binDir } = await findBinaries(isRoot ? ANYBODY : undefined, DEFAULT_SERVER_HOME);
	const environment = (lies = false) => ({
		LD_PRELOAD: library,
		UNSYNCED_ROOTS: roots.join(':'),
		UNSYNCED_STORE: store,
		...(lies ? { UNSYNCED_LIES: '1' } : {}),
	});
	let names = new Map<string, number>();
	let folders = new Set<string>();

	const begin = async () => {
		await rm(store, { recursive: true, force: true });
		for (const name of ['', 'ino', 'dirty', 'grave']) {
			await mkdir(join(store, name));
			// The database's user writes here too.
			await chmod(join(store, name), 0o777);
		}
		await writeFile(join(store, 'log'), '');
		await chmod(join(store, 'log'), 0o666);
		({ names, folders } = await scan(roots));
		for (const [path, inode] of names) {
			const kept = join(store, 'ino', String(inode));
			await copyFile(path, kept);
			await chmod(kept, 0o666);
		}
	};

	const failPower = async (random?: SeededRandom): Promise<PowerFailure> => {
		const lines = (await readFile(join(store, 'log'), 'utf8')).split('\n').slice(0, -1);
		const synced = lines.lastIndexOf('J') + 1;
		const pending = lines.length - synced;
		const kept = random?.chance(50) ? random.below(pending + 1) : 0;
		const image = replay({ names, folders }, lines.slice(0, synced + kept));

		const now = new Map<number, string>();
		for (const [path, inode] of (await scan(roots)).names) now.set(inode, path);
		for (const name of await readdir(join(store, 'grave')))
			if (!now.has(Number(name))) now.set(Number(name), join(store, 'grave', name));

		let [lostBlocks, keptBlocks] = [0, 0];
		for (const root of roots) {
			const { uid, gid } = await stat(root);
			const place = `${root}.image`;
			const placed = (path: string) => place + path.slice(root.length);
			const own = async (path: string, mode: number) => {
				await chmod(path, mode);
				await chown(path, uid, gid);
			};
			await rm(place, { recursive: true, force: true });
			for (const path of [root, ...[...image.folders].filter((path) => path.startsWith(`${root}/`)).sort()]) {
				await mkdir(placed(path), { recursive: true });
				await own(placed(path), 0o700);
			}
			for (const [path, inode] of image.names) {
				if (!path.startsWith(`${root}/`) || !image.folders.has(dirname(path))) continue;
				const blocks = await restore({ store, inode, current: now.get(inode), to: placed(path), random });
				lostBlocks += blocks.lost;
				keptBlocks += blocks.kept;
				await own(placed(path), 0o600);
			}
			await rm(root, { recursive: true });
			await rename(place, root);
		}
		return { lostBlocks, keptBlocks, lostNames: pending - kept };
	};

	return {
		begin,
		environment,
		failPower,
		binDir: async (lies = false) => {
			const place = join(folder, lies ? 'bin-lying' : 'bin');
			await mkdir(place, { recursive: true });
			const variables = Object.entries(environment(lies)).map(([name, value]) => `${name}='${value}'`);
			const script = `#!/bin/sh\nexport ${variables.join(' ')}\nexec '${binDir}/postgres' "$@" ${SETTINGS.map((setting) => `-c ${setting}`).join(' ')}\n`;
			await writeFile(join(place, 'postgres'), script, { mode: 0o755 });
			return place;
		},
	};
}

interface Namespace {
	readonly names: Map<string, number>;
	readonly folders: Set<string>;
}

async function scan(roots: readonly string[]): Promise<Namespace> {
	const names = new Map<string, number>();
	const folders = new Set<string>();
	for (const root of roots) {
		folders.add(root);
		for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
			const path = join(entry.parentPath, entry.name);
			if (entry.isDirectory()) folders.add(path);
			else if (entry.isFile()) names.set(path, (await stat(path)).ino);
		}
	}
	return { names, folders };
}

/** Lines as the layer writes them: what happened, the inode, and one or two paths. */
function replay(from: Namespace, lines: readonly string[]): Namespace {
	const names = new Map(from.names);
	const folders = new Set(from.folders);
	for (const line of lines) {
		const [, what, inode, path = '', to = ''] = /^([CRUMD]) (\d+) ([^\t]+)(?:\t(.+))?$/.exec(line) ?? [];
		if (what === 'C') names.set(path, Number(inode));
		else if (what === 'M') folders.add(path);
		else if (what === 'D') folders.delete(path);
		else if (what === 'U' && names.get(path) === Number(inode)) names.delete(path);
		else if (what === 'R') {
			if (names.get(path) === Number(inode)) names.delete(path);
			names.set(to, Number(inode));
		}
	}
	return { names, folders };
}

interface RestoreInput {
	readonly store: string;
	readonly inode: number;
	/** Where the file is as the processes saw it. */
	readonly current: string | undefined;
	readonly to: string;
	readonly random: SeededRandom | undefined;
}

/** Writes one file as it may have survived. */
async function restore({ store, inode, current, to, random }: RestoreInput): Promise<{ lost: number; kept: number }> {
	await copyFile(join(store, 'ino', String(inode)), to).catch(async (error: NodeJS.ErrnoException) => {
		// Created and never synced: the name may be there, its content never was.
		if (error.code !== 'ENOENT') throw error;
		await writeFile(to, '');
	});
	const map = await open(join(store, 'dirty', String(inode)), 'r').catch(() => undefined);
	if (!map || current === undefined) return { lost: 0, kept: 0 };
	const now = await open(current, 'r');
	const image = await open(to, 'r+');
	let [lost, kept] = [0, 0];
	try {
		const blocks = Math.ceil((await now.stat()).size / BLOCK);
		const header = Buffer.alloc(HEADER + blocks);
		await map.read(header, 0, header.length, 0);
		const cutTo = header.readBigUInt64LE(0);
		if (cutTo !== UNCUT && BigInt((await image.stat()).size) > cutTo && random?.chance(50))
			await image.truncate(Number(cutTo));
		const percent = random?.pick(SURVIVING_PERCENT) ?? 0;
		const block = Buffer.alloc(BLOCK);
		for (let at = 0; at < blocks; at++) {
			if (header[HEADER + at] === 0) continue;
			if (!random?.chance(percent)) {
				lost += 1;
				continue;
			}
			kept += 1;
			const { bytesRead } = await now.read(block, 0, BLOCK, at * BLOCK);
			await image.write(block, 0, bytesRead, at * BLOCK);
		}
	} finally {
		await Promise.all([map.close(), now.close(), image.close()]);
	}
	return { lost, kept };
}
