/**
 * The machine account that root's database runs as: one made for it, or one that the operator names.
 *
 * PostgreSQL refuses to run as root, and every process of its account is superuser of the database. `nobody` is shared
 * with other programs, so it is never used. `initdb` needs a user name, so a number alone is not enough.
 */
import { readFile } from 'node:fs/promises';
import { EmbeddedPostgresError } from './embedded-error.ts';
import { runAs, type ServerUser } from './server-user.ts';

export interface DatabaseAccount extends ServerUser {
	readonly name: string;
}

/** The environment variable in which root names an account for the databases that it starts. */
export const ACCOUNT_VARIABLE = 'CHANCERY_DATABASE_USER';

/** The machine's entry for an account: a line of passwd(5). */
interface PasswdLine extends DatabaseAccount {
	readonly comment: string;
	readonly home: string;
	readonly shell: string;
}

/** The uid of `nobody` on every Linux, also where its name differs. */
const NOBODY_ID = 65534;
const COMMENT = 'Chancery database';
const NO_HOME = '/nonexistent';
const NO_SHELL = '/usr/sbin/nologin';
const USERADD = '/usr/sbin/useradd';
const TIMEOUT_MS = 60_000;
const SHADOW = '/etc/shadow';

/** What root can do when there is no account for the server. */
const WAYS_ON =
	`make a system account without login and name it in ${ACCOUNT_VARIABLE}, ` +
	`or start as an ordinary user, or set DATABASE_URL to a PostgreSQL server`;

/**
 * The account that the operator named.
 * @throws {EmbeddedPostgresError} `no-account` when it does not exist, is root's, or is shared by everybody
 */
export async function findNamedAccount(name: string): Promise<DatabaseAccount> {
	const found = await lookUp(name);
	if (found === undefined) throw refused(`${ACCOUNT_VARIABLE} names '${name}', and there is no such account`);
	if (found.uid === 0)
		throw refused(`${ACCOUNT_VARIABLE} names '${name}', which is root: PostgreSQL refuses to run so`);
	if (found.uid === NOBODY_ID)
		throw refused(`${ACCOUNT_VARIABLE} names '${name}', whom other programs run as: they would own the database`);
	return { name: found.name, uid: found.uid, gid: found.gid };
}

/**
 * The account of this name in the form that we make: a system account without password, shell and home. Made when it is
 * missing. After a crash it exists or not, and the next start looks.
 * @throws {EmbeddedPostgresError} `no-account` when it cannot be made, or belongs to somebody else
 */
export async function makeAccount(name: string, useradd: string = USERADD): Promise<DatabaseAccount> {
	let found = await lookUp(name);
	if (found === undefined) {
		const kind = ['--system', '--user-group', '--no-create-home', '--home-dir', NO_HOME, '--shell', NO_SHELL];
		const { code, said } = await runAs(undefined, useradd, [...kind, '--comment', COMMENT, name], TIMEOUT_MS);
		found = await lookUp(name);
		if (code !== 0 || found === undefined)
			throw refused(`root runs PostgreSQL as an account of its own, and ${useradd} could not make '${name}': ${said}`);
	}
	const foreign = await whyForeign(found);
	if (foreign !== undefined) throw refused(`the account '${name}' is not one that Chancery has made: ${foreign}`);
	return { name: found.name, uid: found.uid, gid: found.gid };
}

function refused(what: string): EmbeddedPostgresError {
	return new EmbeddedPostgresError('no-account', `${what}; ${WAYS_ON}`);
}

async function whyForeign({ name, uid, comment, home, shell }: PasswdLine): Promise<string | undefined> {
	if (uid === 0 || uid === NOBODY_ID) return `it is user ${uid}`;
	if (comment !== COMMENT) return `its comment is '${comment}', not '${COMMENT}'`;
	if (home !== NO_HOME) return `it has a home, ${home}`;
	if (shell !== NO_SHELL) return `it has a shell, ${shell}`;
	const line = (await readFile(SHADOW, 'utf8').catch(() => '')).split('\n').find((at) => at.startsWith(`${name}:`));
	const password = line?.split(':')[1] ?? '!';
	return /^[!*]/.test(password) ? undefined : 'somebody can log in as it with a password';
}

/** Asks the machine, so that accounts of a directory service are found too. Undefined when the name is unknown. */
async function lookUp(name: string): Promise<PasswdLine | undefined> {
	if (!/^[A-Za-z_][A-Za-z0-9_.-]*$/.test(name)) return undefined;
	const { code, said } = await runAs(undefined, 'getent', ['passwd', name], TIMEOUT_MS);
	const [is, , uid, gid, comment = '', home = '', shell = ''] = said.split(':');
	if (code !== 0 || is !== name || !/^\d+$/.test(uid ?? '') || !/^\d+$/.test(gid ?? '')) return undefined;
	return { name, uid: Number(uid), gid: Number(gid), comment, home, shell };
}
