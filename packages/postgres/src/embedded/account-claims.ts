/**
 * Which database has which of the accounts that we make: `chancery-db1`, `chancery-db2`, ... Each database has its own
 * account, so an intruder in one gets nothing of the others. An account whose database is gone is given to the next
 * database, so accounts do not pile up on a machine where instances come and go.
 *
 * A claim is a file of root's, `NAME.json`, that says which database has the account; the database's record names the
 * account. Both are written under one lock of the machine. A crash between the two leaves a claim that no record
 * confirms, and such an account is free.
 */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type FileLock, lockFile } from '../file-lock.ts';
import { provideFolder, writeDurably } from '../file-modes.ts';
import { lstatOrNothing, removeAccountFolder } from './account-folder.ts';
import { readRecord } from './data-record.ts';
import { type DatabaseAccount, makeAccount } from './database-account.ts';
import { EmbeddedPostgresError } from './embedded-error.ts';
import { processesOfUser, waitUntil } from './process-identity.ts';
import { ROOTS_FOLDER } from './runtime-dir.ts';

export interface Claimant {
	/** Real path of the data folder. */
	readonly dataDir: string;
	/** Random name of the data folder. */
	readonly instance: string;
	/** The account that its record names. */
	readonly account: DatabaseAccount | null;
}

export interface AccountPool {
	/** Root's folder, which must exist. It contains the claims, and clusters that are outside of their data folders. */
	readonly serverHome: string;
	readonly prefix: string;
}

interface Claim {
	readonly dataDir: string;
	readonly instance: string;
}

export const ACCOUNT_PREFIX = 'chancery-db';

const CLAIMS = 'accounts';
const LOCK = 'lock';
const LOCK_TIMEOUT_MS = 60_000;

/**
 * Claims an account: the one that the database has already, a free one, or a new one.
 * @param record writes the account into the database's record; the claim holds from then on.
 * @throws {EmbeddedPostgresError} `no-account`.
 */
export async function claimAccount(
	claimant: Claimant,
	pool: AccountPool,
	record: (account: DatabaseAccount) => Promise<void>,
): Promise<DatabaseAccount> {
	const folder = join(pool.serverHome, CLAIMS);
	await provideFolder(folder, 0o700);
	const lock = await waitForLock(join(folder, LOCK));
	try {
		const name = await chooseName(claimant, pool, folder);
		const account = await makeAccount(name);
		if (name !== claimant.account?.name) await removeRemains(account.uid, pool.serverHome);
		const claim: Claim = { dataDir: claimant.dataDir, instance: claimant.instance };
		await writeDurably(join(folder, `${name}.json`), `${JSON.stringify(claim)}\n`, 0o600);
		await record(account);
		return account;
	} finally {
		lock.release();
	}
}

async function chooseName(claimant: Claimant, pool: AccountPool, folder: string): Promise<string> {
	const name = (number: number) => `${pool.prefix}${number}`;
	const claimed = new Set(await readdir(folder));
	const present = claimant.account?.name;
	// The account that the operator named before is not one of ours.
	if (present !== undefined && claimed.has(`${present}.json`)) {
		const claim = await readClaim(folder, present);
		if (claim?.dataDir === claimant.dataDir && claim.instance === claimant.instance) return present;
	}
	for (let number = 1; ; number++) {
		const claim = claimed.has(`${name(number)}.json`) ? await readClaim(folder, name(number)) : undefined;
		if (!(await isInUse(claim, name(number), pool.serverHome))) return name(number);
	}
}

/** Undefined when it cannot be parsed: a power failure left an empty file, and no record was written after it. */
async function readClaim(folder: string, name: string): Promise<Claim | undefined> {
	try {
		const { dataDir, instance } = JSON.parse(await readFile(join(folder, `${name}.json`), 'utf8')) ?? {};
		return typeof dataDir === 'string' && typeof instance === 'string' ? { dataDir, instance } : undefined;
	} catch {
		return undefined;
	}
}

/** An account is free when its data folder is gone, it has no database anywhere else, and no process runs as it. */
async function isInUse(claim: Claim | undefined, name: string, serverHome: string): Promise<boolean> {
	if (claim !== undefined) {
		const record = await readRecord(claim.dataDir).catch(() => undefined);
		// A record that cannot be read may name this account.
		if (record === undefined) return true;
		if (record.instance === claim.instance && record.account?.name === name) return true;
	}
	const { uid } = await makeAccount(name);
	for (const entry of await readdir(serverHome))
		if ((await lstatOrNothing(join(serverHome, entry, 'cluster')))?.uid === uid) return true;
	return (await processesOfUser(uid)).length > 0;
}

/** Removes the sockets of an earlier database that was killed: no process runs as this account now. */
async function removeRemains(uid: number, serverHome: string): Promise<void> {
	const folder = join(serverHome, ROOTS_FOLDER);
	for (const name of await readdir(folder).catch(() => []))
		if ((await lstatOrNothing(join(folder, name)))?.uid === uid) await removeAccountFolder(join(folder, name));
}

async function waitForLock(path: string): Promise<FileLock> {
	let lock: FileLock | undefined;
	const isHeld = async () => {
		lock = await lockFile(path, 0);
		return lock !== undefined;
	};
	await waitUntil(isHeld, LOCK_TIMEOUT_MS);
	if (lock !== undefined) return lock;
	throw new EmbeddedPostgresError(
		'no-account',
		`${path} is held by another process for a minute: no account is chosen`,
	);
}
