/**
 * Where a person signs: a home of its own, a terminal, and a browser on it. What a client opens by `xdg-open` or BROWSER is
 * caught, so that the test opens it in Chromium.
 */
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { launchChromium } from '@chancery/testkit/browser/chromium';
import { PersonAtBrowser } from '@chancery/testkit/browser/person';
import { expect, inject } from 'vitest';
import { Terminal } from '../init/terminal.ts';
import { openInstance, type RunningInstance } from '../judges/running-instance.ts';
import type { LoginClientName } from './login-clients.ts';

const OPENED_WITHIN = { timeout: 60_000, interval: 30 };

/** What clients are told of an instance. */
export type LoginInstance = Pick<RunningInstance, 'urls' | 'oidcIssuer' | 'root'>;

type Chromium = Awaited<ReturnType<typeof launchChromium>>;

export class Desk {
	readonly instance: LoginInstance;
	/** Home of the clients, and the folder where they run. */
	readonly home: string;
	readonly #chromium: Chromium;
	readonly #persons: PersonAtBrowser[] = [];
	readonly #terminals: Terminal[] = [];

	static async open(instance: LoginInstance = openInstance('instance')): Promise<Desk> {
		const home = await mkdtemp(join(tmpdir(), 'chancery-desk-'));
		await mkdir(join(home, 'bin'));
		const program = join(home, 'bin/xdg-open');
		// It returns at once, as on a desktop. Renamed, so that nobody reads half of an address.
		const opened = join(home, 'opened');
		await writeFile(program, `#!/bin/sh\nprintf '%s' "$1" >${opened}.part && /bin/mv ${opened}.part ${opened}\n`);
		await chmod(program, 0o755);
		return new Desk(instance, home, await launchChromium());
	}

	private constructor(instance: LoginInstance, home: string, chromium: Chromium) {
		this.instance = instance;
		this.home = home;
		this.#chromium = chromium;
	}

	/** Runs a client in a terminal; it finds this desk's browser, and nothing of the CI or the user that runs the tests. */
	run(program: string, args: readonly string[], environment: Readonly<Record<string, string>> = {}): Terminal {
		const browser = join(this.home, 'bin/xdg-open');
		return this.#start([program, ...args], {
			PATH: `${dirname(browser)}:${dirname(process.execPath)}:${process.env.PATH}`,
			BROWSER: browser,
			...environment,
		});
	}

	/** The same where no browser can be found. */
	runWithoutBrowser(program: string, args: readonly string[], environment: Readonly<Record<string, string>> = {}) {
		return this.#start(['env', `PATH=${join(this.home, 'nothing')}`, program, ...args], environment);
	}

	/** Runs a client that must succeed and asks nobody anything; returns what it showed. */
	async mustRun(program: string, args: readonly string[], environment?: Readonly<Record<string, string>>) {
		const terminal = this.run(program, args, environment);
		expect(await terminal.ended, terminal.screen).toBe(0);
		return terminal.screen;
	}

	/** The address that a client has opened. */
	async opened(): Promise<string> {
		const file = join(this.home, 'opened');
		await expect.poll(() => readFile(file, 'utf8').catch(() => ''), OPENED_WITHIN).not.toBe('');
		const address = await readFile(file, 'utf8');
		await rm(file);
		return address;
	}

	/** Somebody who has never been here. */
	async person(): Promise<PersonAtBrowser> {
		const person = await PersonAtBrowser.sitDown(this.#chromium, new URL(this.instance.oidcIssuer).origin);
		this.#persons.push(person);
		return person;
	}

	file(name: string): string {
		return join(this.home, name);
	}

	/** After each test: ends what still runs, and expects that our pages did nothing which they should not. */
	async clear(): Promise<void> {
		for (const terminal of this.#terminals.splice(0)) terminal.end();
		await rm(join(this.home, 'opened'), { force: true });
		const complaints = this.#persons.flatMap((person) => person.complaints);
		for (const person of this.#persons.splice(0)) await person.leave();
		expect(complaints).toEqual([]);
	}

	async close(): Promise<void> {
		await this.#chromium.close();
		await rm(this.home, { recursive: true, force: true });
	}

	#start(command: readonly string[], environment: Readonly<Record<string, string>>): Terminal {
		const terminal = new Terminal(command.map(quote).join(' '), this.home, environment);
		this.#terminals.push(terminal);
		return terminal;
	}
}

/** For a shell. */
const quote = (word: string): string => `'${word.replaceAll("'", `'\\''`)}'`;

/** The program of a client; undefined when it was reported as not run. */
export function programOf(name: LoginClientName): string | undefined {
	const found = inject('loginClients')[name];
	return 'path' in found ? found.path : undefined;
}
