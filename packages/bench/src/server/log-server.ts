/**
 * The log service as a process of its own: its real `main.ts` with a configuration file, and the probe beside it.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { LoadTarget } from '../load/messages.ts';
import type { Wire } from '../load/workloads.ts';
import type { BackendChoice } from './digest-backend.ts';
import type { ProbeRequest } from './event-loop-probe.ts';
import { freePort } from './free-port.ts';
import { HOSTNAME, type LogInstance, TREE_ID, V2_ORIGIN } from './log-instance.ts';
import type { LoopFigures, ServerProbe, ServerUnderTest } from './server-under-test.ts';

const START_LIMIT_MS = 30_000;
const STOP_LIMIT_MS = 10_000;

let starts = 0;

/** Starts the service over `instance`. @throws Error with the end of its log when it does not come up */
export async function startLogServer(
	instance: LogInstance,
	options: { readonly logLevel: string; readonly backend: BackendChoice },
): Promise<ServerUnderTest> {
	const ports = { v1: await freePort(), v2: await freePort() };
	const config = await instance.writeConfig({ ...options, ports });
	const logFile = join(instance.folder, `server-${++starts}.log`);
	// To a file: a pipe would cost us CPU for every line.
	const stderr = openSync(logFile, 'w');
	const child = fork(new URL(import.meta.resolve('@chancery/log/main')), ['--config', config], {
		execArgv: ['--import', new URL('./event-loop-probe.ts', import.meta.url).href],
		stdio: ['ignore', 'ignore', stderr, 'ipc'],
	});
	closeSync(stderr);
	await isServing(child, Object.values(ports), logFile);
	return {
		name: 'chancery',
		settings: {
			...(await instance.databaseSettings()),
			'log level': options.logLevel,
		},
		target: (wire) => targetOf(instance, wire, ports[wire]),
		pid: child.pid ?? 0,
		databasePid: instance.databasePid,
		probe: probeOf(child),
		stop: () => stopChild(child),
	};
}

function targetOf({ keys }: LogInstance, wire: Wire, port: number): LoadTarget {
	const log =
		wire === 'v1'
			? { origin: `${HOSTNAME} - ${TREE_ID}`, name: HOSTNAME, publicKey: keys.v1.publicKey }
			: { origin: V2_ORIGIN, name: V2_ORIGIN, publicKey: keys.v2.publicKey };
	return { host: '127.0.0.1', port, wire, log };
}

async function isServing(child: ChildProcess, ports: readonly number[], logFile: string): Promise<void> {
	for (const endMs = performance.now() + START_LIMIT_MS; performance.now() < endMs; await sleep(50)) {
		// Any answer will do: the listeners open when the logs are.
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
