/** `chancery up` as anyone starts it, in processes of its own: where it lives, how it is started, what it says. */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, chown, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { canEnter } from '@chancery/postgres/embedded/server-user';
import { freePortBase } from '@chancery/testkit/free-port';
import { databaseOf, databaseProcesses } from './processes.ts';
import { Run } from './run.ts';

export const CHECKOUT = join(import.meta.dirname, '../../../..');
export const IS_ROOT = process.geteuid?.() === 0;

const COMMAND = 'packages/cli/bin/chancery';
export interface User {
	readonly uid: number;
	readonly gid: number;
}

/** Where an instance lives: a data folder, ten ports, a home, and whose they are. */
export interface Place {
	/** Everything below it goes away after the tests. */
	readonly base: string;
	readonly data: string;
	readonly portBase: number;
	/** Undefined: the user who runs the tests. */
	readonly user: User | undefined;
	readonly runs: Run[];
}

/** `instance.json`, as the contract has it. */
export interface InstanceFile {
	readonly services: Readonly<Record<string, { readonly url: string }>>;
	readonly oidcIssuer: string;
	readonly root: { readonly path: string; readonly sha256: string };
	readonly trustedRoot: string;
	readonly signingConfig: string;
	readonly clientTrustConfig: string;
	/** Only over TLS with a private authority. */
	readonly tlsCa?: string;
	readonly admin?: Readonly<Record<string, { readonly url: string }>>;
}

const places: Place[] = [];

export interface PlaceOptions {
	/** The data folder below the base; may have several parts. */
	readonly name?: string;
	/** Only its owner may enter the base, as `mkdtemp` makes it. */
	readonly isClosed?: boolean;
	readonly user?: User;
}

export async function makePlace({ name = 'data', isClosed = false, user }: PlaceOptions = {}): Promise<Place> {
	const base = await mkdtemp(join(tmpdir(), 'chancery-up-'));
	// The database server of root runs as another user, who must be able to pass.
	if (!isClosed) await chmod(base, 0o711);
	for (const folder of ['home', 'checkout']) await mkdir(join(base, folder));
	if (user) for (const folder of [base, join(base, 'home')]) await chown(folder, user.uid, user.gid);
	const place = { base, data: join(base, name), portBase: await freePortBase(), user, runs: [] };
	places.push(place);
	return place;
}

/** For `afterAll`: ends and removes what the tests of a file made, also what a failed test left behind. */
export async function removePlaces(): Promise<void> {
	for (const place of places.splice(0)) {
		for (const run of place.runs) await run.stop();
		const database = await databaseOf(place);
		if (database) {
			for (const pid of await databaseProcesses(database)) process.kill(pid, 'SIGKILL');
			if (database.isOutside) await rm(dirname(database.cluster), { recursive: true });
			if (database.runtimeDir) await rm(database.runtimeDir, { recursive: true, force: true });
		}
		await rm(place.base, { recursive: true, force: true });
	}
}

export interface RunOptions {
	/** `npm`: through `npm start --` from the checkout. */
	readonly through?: 'npm';
	/** Leads a process group of its own, like a job of a shell. */
	readonly isGroup?: boolean;
	/** A network with nothing but loopback (as root). */
	readonly isCutOff?: boolean;
	/** Whose process it is, when that is not the owner of the place. */
	readonly as?: User;
	/** Octal digits. */
	readonly umask?: string;
	readonly env?: NodeJS.ProcessEnv;
}

/** `chancery up` on the data folder of the place. Its ports are named until the folder knows them, unless `args` do. */
export function up(place: Place, args: readonly string[] = [], options: RunOptions = {}): Run {
	const isNew = !existsSync(join(place.data, 'chancery.json'));
	const ports = isNew && !args.includes('--port-base') ? ['--port-base', String(place.portBase)] : [];
	return chancery(place, ['up', '--data', place.data, ...ports, ...args], options);
}

/** The `chancery` command with any arguments. */
export function chancery(place: Place, args: readonly string[], options: RunOptions = {}): Run {
	const user = options.as ?? place.user;
	const home = join(place.base, 'home');
	const env = {
		...freshShell(),
		// npm and pnpm keep their caches in the home; only the instance gets another one.
		...(options.through === 'npm' ? {} : { HOME: home }),
		XDG_STATE_HOME: join(home, '.local', 'state'),
		...options.env,
	};
	let command =
		options.through === 'npm' ? ['npm', 'start', '--', ...args.slice(1)] : [join(CHECKOUT, COMMAND), ...args];
	let identity = user;
	if (user && isCheckoutClosed) {
		const mount = join(place.base, 'checkout');
		command = [
			'unshare',
			'--mount',
			'sh',
			'-c',
			SHOW_CHECKOUT,
			'sh',
			CHECKOUT,
			mount,
			String(user.uid),
			String(user.gid),
		];
		command.push(join(mount, COMMAND), ...args);
		identity = undefined;
	}
	if (options.isCutOff) command = ['unshare', '--net', 'sh', '-c', 'ip link set lo up && exec "$@"', 'sh', ...command];
	if (options.umask !== undefined)
		command = ['sh', '-c', 'umask "$1"; shift; exec "$@"', 'sh', options.umask, ...command];
	const [file = '', ...rest] = command;
	const stdio: ['ignore', 'pipe', 'pipe'] = ['ignore', 'pipe', 'pipe'];
	const cwd = options.through === 'npm' ? CHECKOUT : '/';
	const run = new Run(spawn(file, rest, { ...identity, cwd, env, stdio, detached: options.isGroup === true }));
	place.runs.push(run);
	return run;
}

/** Shows the checkout at a place that the user may enter, to this process alone, and becomes that user. */
const SHOW_CHECKOUT =
	'mount --bind "$1" "$2" && uid=$3 gid=$4 && shift 4 && exec setpriv --reuid "$uid" --regid "$gid" --clear-groups "$@"';

const NOBODY: User = { uid: 65534, gid: 65534 };
const isCheckoutClosed = IS_ROOT && !(await canEnter(CHECKOUT, NOBODY));

/**
 * An ordinary user for the instances of root's tests. Undefined for the tests of others, who are ordinary users
 * themselves, and where the checkout is closed to everyone else and the system does not let root show it.
 */
export const ORDINARY_USER: User | undefined =
	IS_ROOT && (!isCheckoutClosed || canRun('unshare', '--mount', 'setpriv', '--clear-groups', 'true'))
		? NOBODY
		: undefined;

/** Whether the system lets us run this: namespaces need more than being root in many containers. */
export function canRun(program: string, ...args: string[]): boolean {
	return spawnSync(program, args, { stdio: 'ignore' }).status === 0;
}

/** The environment without what the test runner, and npm around it, have put there. */
function freshShell(): NodeJS.ProcessEnv {
	const foreign =
		/^(npm_(lifecycle|package|command|execpath|node_execpath)|INIT_CWD$|NODE$|NODE_ENV$|VITEST|DATABASE_URL$)/;
	const kept = Object.entries(process.env).filter(([name]) => !foreign.test(name));
	const path = (process.env.PATH ?? '').split(delimiter).filter((folder) => !/node_modules|node-gyp-bin/.test(folder));
	return { ...Object.fromEntries(kept), PATH: path.join(delimiter) };
}

/** What stays from start to start: admin listeners take other ports each time. */
export function lastingPart({ admin: _, ...lasting }: InstanceFile): Omit<InstanceFile, 'admin'> {
	return lasting;
}

export async function readInstance(place: Place): Promise<InstanceFile> {
	return JSON.parse(await readFile(join(place.data, 'instance.json'), 'utf8')) as InstanceFile;
}
