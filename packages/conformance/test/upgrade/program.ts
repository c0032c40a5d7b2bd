/** `chancery` of one checkout or another, as anyone runs it: processes of their own, and a place for what they keep. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

export interface Program {
	/** What reports call it. */
	readonly name: string;
	/** Root of a checkout in which everything is installed. */
	readonly checkout: string;
}

/** This checkout. */
export const NEW_PROGRAM: Program = { name: 'this version', checkout: join(import.meta.dirname, '../../../..') };

/** A data folder and the state folder that belongs to it: its marks lie in there, and are copied and restored with it. */
export interface Place {
	readonly data: string;
	readonly state: string;
}

/** Both below one folder. */
export function placeIn(base: string): Place {
	return { data: join(base, 'data'), state: join(base, 'state') };
}

/** Base URLs of the services, as `instance.json` names them. */
export type Urls = Readonly<Record<'identity' | 'ca' | 'log' | 'log2' | 'ctlog' | 'tsa' | 'tuf', string>>;

export interface Instance {
	readonly urls: Urls;
	readonly oidcIssuer: string;
	/** Paths of the files for clients. */
	readonly trustedRoot: string;
	readonly signingConfig: string;
}

export interface RunningInstance extends Instance {
	/** An orderly stop. @returns the exit code, null after a signal */
	stop(): Promise<number | null>;
}

export interface Outcome {
	readonly code: number;
	readonly stdout: string;
	readonly stderr: string;
}

/** A start with 100,000 entries takes seconds; one that hangs is reported with what it said. */
const READY_WITHIN_MS = 120_000;
const RUN_WITHIN_MS = 300_000;

/**
 * Starts `chancery up` and waits until everything answers.
 * @throws {Error} with all that it said, when it ends before that or takes too long
 */
export async function startUp(program: Program, place: Place, args: readonly string[] = []): Promise<RunningInstance> {
	const child = spawn(commandOf(program), ['up', '--data', place.data, ...args], {
		stdio: ['ignore', 'pipe', 'pipe'],
		env: environment(place),
	});
	const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
	let said = '';
	await new Promise<void>((resolve, reject) => {
		const fail = (how: string) => reject(new Error(`${program.name} ${how}:\n${said}`));
		const timer = setTimeout(() => {
			child.kill('SIGTERM');
			fail('was not ready in time');
		}, READY_WITHIN_MS);
		let printed = '';
		child.stderr?.on('data', (chunk: Buffer) => {
			said += chunk;
		});
		child.stdout?.on('data', (chunk: Buffer) => {
			printed += chunk;
			if (!/^ready/m.test(printed)) return;
			clearTimeout(timer);
			resolve();
		});
		child.once('error', reject);
		void ended.then((code) => {
			clearTimeout(timer);
			fail(`ended with ${code} before it was ready`);
		});
	});
	return { ...(await readInstance(place)), stop: () => stop(child, ended) };
}

async function stop(child: ChildProcess, ended: Promise<number | null>): Promise<number | null> {
	child.kill('SIGTERM');
	return ended;
}

async function readInstance(place: Place): Promise<Instance> {
	const json = JSON.parse(await readFile(join(place.data, 'instance.json'), 'utf8'));
	const services = Object.entries(json.services as Record<string, { url: string }>);
	return {
		urls: Object.fromEntries(services.map(([name, { url }]) => [name, url])) as Urls,
		oidcIssuer: json.oidcIssuer,
		trustedRoot: json.trustedRoot,
		signingConfig: json.signingConfig,
	};
}

/** Runs the command to its end, whatever its exit code. */
export function run(program: Program, place: Place, args: readonly string[]): Promise<Outcome> {
	return new Promise((resolve, reject) => {
		const options = { env: environment(place), timeout: RUN_WITHIN_MS };
		execFile(commandOf(program), args, options, (error, stdout, stderr) => {
			if (error && typeof error.code !== 'number') reject(error);
			else resolve({ code: error ? Number(error.code) : 0, stdout, stderr });
		});
	});
}

/** Runs the command. @returns what it printed, trimmed. @throws {Error} when it refuses, with what it said */
export async function runOrThrow(program: Program, place: Place, args: readonly string[]): Promise<string> {
	const { code, stdout, stderr } = await run(program, place, args);
	if (code !== 0) throw new Error(`${program.name}: chancery ${args[0]} ended with ${code}: ${stderr}`);
	return stdout.trim();
}

function commandOf({ checkout }: Program): string {
	return join(checkout, 'packages/cli/bin/chancery');
}

/** With the embedded database, whatever the machine's own settings are, and without what the test runner has set. */
function environment({ state }: Place): NodeJS.ProcessEnv {
	const foreign = /^(DATABASE_URL$|NODE_ENV$|NODE_OPTIONS$|VITEST|CHANCERY_)/;
	const kept = Object.entries(process.env).filter(([name]) => !foreign.test(name));
	return { ...Object.fromEntries(kept), XDG_STATE_HOME: state };
}
