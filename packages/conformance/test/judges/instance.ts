/**
 * The instances that the judges look at: `chancery up` as anyone starts it, in processes of their own. Two of them, so
 * that what one made can be shown to the other, which must refuse it.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePortBase } from '@chancery/testkit/free-port';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
	interface ProvidedContext {
		/** Data folders of two running instances. */
		instance: string;
		foreignInstance: string;
	}
}

const COMMAND = join(import.meta.dirname, '../../../cli/bin/chancery');
const START_WITHIN_MS = 60_000;

/** The instances of a project whose name ends so speak TLS, each with a private authority of its own. */
const OVER_TLS = /-tls$/;

export default async function startInstances(project: TestProject): Promise<() => Promise<void>> {
	const options = OVER_TLS.test(project.name) ? ['--tls'] : [];
	const base = await mkdtemp(join(tmpdir(), 'chancery-judges-'));
	// The database server of root runs as another user, who must be able to pass.
	await chmod(base, 0o711);
	const started: ChildProcess[] = [];
	const stop = async () => {
		await Promise.all(started.map(end));
		await rm(base, { recursive: true, force: true });
	};
	try {
		for (const name of ['instance', 'foreignInstance'] as const) {
			const data = join(base, name);
			started.push(await start(data, await freePortBase(), options));
			project.provide(name, data);
		}
	} catch (error) {
		await stop();
		throw error;
	}
	return stop;
}

/** Starts an instance on a data folder, by the command of this checkout or of a copy of it, and waits until it is ready. */
export async function start(
	data: string,
	portBase: number,
	options: readonly string[],
	{ command = COMMAND, startWithinMs = START_WITHIN_MS } = {},
): Promise<ChildProcess> {
	const state = join(data, '..', 'state');
	const child = spawn(command, ['up', '--data', data, '--port-base', String(portBase), ...options], {
		stdio: ['ignore', 'pipe', 'pipe'],
		env: { ...process.env, XDG_STATE_HOME: state },
	});
	let said = '';
	child.stderr?.on('data', (chunk: Buffer) => {
		said += chunk;
	});
	await new Promise<void>((resolve, reject) => {
		const timer = setTimeout(() => {
			child.kill('SIGTERM');
			reject(new Error(`not ready in time:\n${said}`));
		}, startWithinMs);
		child.stdout?.on('data', (chunk: Buffer) => {
			if (!/^ready/m.test(String(chunk))) return;
			clearTimeout(timer);
			resolve();
		});
		child.once('exit', (code) => reject(new Error(`ended with ${code} before it was ready:\n${said}`)));
	});
	return child;
}

/** Ends an instance and waits until it has ended. */
export async function end(child: ChildProcess): Promise<void> {
	if (child.exitCode !== null || child.signalCode !== null) return;
	const ended = new Promise((resolve) => child.once('exit', resolve));
	child.kill('SIGTERM');
	await ended;
}
