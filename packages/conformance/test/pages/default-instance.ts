/**
 * The instance that the pages use: on the default ports, with its data where `npm start` puts it in a new user's home. The clients come
 * from the cache that test:clients fills.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { provideClients } from '../clients/installed-clients.ts';

declare module 'vitest' {
	interface ProvidedContext {
		/** Home of the user who runs the instance, and the output of the start. */
		homeOfInstance: string;
		saidAtStart: string;
	}
}

export const CHECKOUT = join(import.meta.dirname, '../../../..');
export const DATA_IN_HOME = '.local/share/chancery';
const START_WITHIN_MS = 60_000;

export default async function startForPages(project: TestProject): Promise<() => Promise<void>> {
	await provideClients(project);
	const { home, said, stop } = await startDefaultInstance();
	project.provide('homeOfInstance', home);
	project.provide('saidAtStart', said);
	return stop;
}

export async function startDefaultInstance(): Promise<{ home: string; said: string; stop(): Promise<void> }> {
	const home = await mkdtemp(join(tmpdir(), 'chancery-pages-'));
	// The database server of root runs as another user, which must be able to enter.
	await chmod(home, 0o711);
	await mkdir(join(home, DATA_IN_HOME), { recursive: true });
	let child: ChildProcess | undefined;
	const stop = async () => {
		if (child !== undefined) await end(child);
		await rm(home, { recursive: true, force: true });
	};
	try {
		const { command, env } = await startOfNpm(home);
		child = spawn('/bin/sh', ['-c', command], { cwd: CHECKOUT, stdio: ['ignore', 'pipe', 'pipe'], env });
		return { home, said: await untilReady(child), stop };
	} catch (error) {
		await stop();
		throw error;
	}
}

/** The program that `npm start` runs after the installation. */
async function startOfNpm(home: string): Promise<{ command: string; env: NodeJS.ProcessEnv }> {
	const { scripts } = JSON.parse(await readFile(join(CHECKOUT, 'package.json'), 'utf8'));
	const path = [dirname(process.execPath), process.env.PATH].join(delimiter);
	return { command: scripts.start, env: { PATH: path, HOME: home } };
}

/** Returns the output until then: the steps, then the instructions. */
async function untilReady(child: ChildProcess): Promise<string> {
	const said = { stderr: '', stdout: '' };
	const failure = (what: string) =>
		new Error(`the pages need an instance on the default ports 7400 to 7409, and it ${what}:\n${said.stderr}`);
	child.stderr?.on('data', (chunk: Buffer) => {
		said.stderr += chunk;
	});
	await new Promise<void>((resolve, reject) => {
		const timer = setTimeout(() => reject(failure('was not ready in time')), START_WITHIN_MS);
		child.stdout?.on('data', (chunk: Buffer) => {
			said.stdout += chunk;
			if (!/^ready/m.test(said.stdout)) return;
			clearTimeout(timer);
			resolve();
		});
		child.once('exit', (code) => {
			clearTimeout(timer);
			reject(failure(`ended with ${code}`));
		});
	});
	return said.stderr + said.stdout;
}

async function end(child: ChildProcess): Promise<void> {
	if (child.exitCode !== null || child.signalCode !== null) return;
	const ended = new Promise((resolve) => child.once('exit', resolve));
	child.kill('SIGTERM');
	await ended;
}
