/**
 * One of our services as a process of its own: its real `main.ts` with a configuration file, and the probe beside it.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ProbeRequest } from './event-loop-probe.ts';
import type { LoopFigures, ServerProbe } from './server-under-test.ts';

const START_LIMIT_MS = 30_000;
const STOP_LIMIT_MS = 10_000;

let starts = 0;

export interface ServiceProcess {
	readonly pid: number;
	readonly probe: ServerProbe;
	stop(): Promise<void>;
}

/**
 * Starts a service and returns when all of `ports` answer.
 * @param section of the service; `sections` are those beside it
 * @throws {Error} with the end of its log when it does not come up
 */
export async function startServiceProcess(start: {
	/** Its definition. */
	readonly service: { readonly name: string };
	readonly section: Readonly<Record<string, unknown>>;
	readonly sections: Readonly<Record<string, unknown>>;
	readonly ports: readonly number[];
	readonly folder: string;
}): Promise<ServiceProcess> {
	const number = ++starts;
	const config = join(start.folder, `server-${number}.yaml`);
	// JSON is YAML.
	await writeFile(config, JSON.stringify({ ...start.sections, [start.service.name]: start.section }, undefined, '\t'), {
		mode: 0o600,
	});
	const logFile = join(start.folder, `server-${number}.log`);
	// To a file: a pipe would cost us CPU for every line.
	const stderr = openSync(logFile, 'w');
	const child = fork(new URL(import.meta.resolve(`@chancery/${start.service.name}/main`)), ['--config', config], {
		execArgv: ['--import', new URL('./event-loop-probe.ts', import.meta.url).href],
		stdio: ['ignore', 'ignore', stderr, 'ipc'],
	});
	closeSync(stderr);
	await isServing(child, start.ports, logFile);
	return { pid: child.pid ?? 0, probe: probeOf(child), stop: () => stopChild(child) };
}

async function isServing(child: ChildProcess, ports: readonly number[], logFile: string): Promise<void> {
	for (const endMs = performance.now() + START_LIMIT_MS; performance.now() < endMs; await sleep(50)) {
		// Any answer is enough: the listeners open when the logs are open.
		const answers = ports.map((port) =>
			fetch(`http://127.0.0.1:${port}/`).then(
				() => true,
				() => false,
			),
		);
		if ((await Promise.all(answers)).every((answered) => answered)) return;
		if (child.exitCode !== null || child.signalCode !== null) break;
	}
	child.kill('SIGKILL');
	throw new Error(`the server is not serving: ${(await readFile(logFile, 'utf8')).slice(-2000)}`);
}

function probeOf(child: ChildProcess): ServerProbe {
	const ask = async (request: ProbeRequest): Promise<unknown> => {
		const answer = once(child, 'message');
		child.send(request);
		const [{ result, error }] = (await answer) as [{ result?: unknown; error?: string }];
		if (error !== undefined) throw new Error(`the probe failed: ${error}`);
		return result;
	};
	return {
		resetLoop: async () => void (await ask({ kind: 'reset-loop' })),
		readLoop: async () => (await ask({ kind: 'read-loop' })) as LoopFigures,
		startProfile: async () => void (await ask({ kind: 'start-profile' })),
		stopProfile: async (path) => void (await ask({ kind: 'stop-profile', path })),
	};
}

/** SIGTERM, and SIGKILL for a process that does not end by it. */
export async function stopChild(child: ChildProcess): Promise<void> {
	if (child.exitCode !== null || child.signalCode !== null) return;
	const ended = once(child, 'exit');
	child.kill('SIGTERM');
	const timer = setTimeout(() => child.kill('SIGKILL'), STOP_LIMIT_MS);
	await ended;
	clearTimeout(timer);
}
