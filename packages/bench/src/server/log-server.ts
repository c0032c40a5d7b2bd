/**
 * The log service as processes of their own, one unless more are wanted: its real `main.ts` with a configuration file, and
 * the probe beside it.
 */
import { log } from '@chancery/log/definition';
import { freePort } from '@chancery/testkit/free-port';
import type { LogTarget } from '../load/messages.ts';
import type { LogWire } from '../load/workloads.ts';
import type { BackendChoice } from './digest-backend.ts';
import { HOSTNAME, type LogInstance, TREE_ID, V2_ORIGIN } from './log-instance.ts';
import type { ServerUnderTest } from './server-under-test.ts';
import { startServiceProcess } from './service-process.ts';

/** Starts the service over `instance`. @throws {Error} with the end of its log when it does not come up */
export async function startLogServer(
	instance: LogInstance,
	options: { readonly logLevel: string; readonly backend: BackendChoice; readonly processes?: number },
): Promise<ServerUnderTest> {
	const { processes = 1 } = options;
	const all: Record<LogWire, number>[] = [];
	for (let number = 0; number < processes; number++) all.push({ v1: await freePort(), v2: await freePort() });
	const started = await Promise.all(
		all.map((ports) =>
			startServiceProcess({
				service: log,
				section: instance.section({ ...options, ports }),
				sections: instance.sections(options.logLevel),
				ports: Object.values(ports),
				folder: instance.folder,
			}),
		),
	);
	const [first] = started;
	if (!first) throw new Error('a server needs at least one process');
	return {
		name: 'chancery',
		settings: {
			...(await instance.databaseSettings()),
			'log level': options.logLevel,
			'log processes': String(processes),
		},
		target: (wire) => {
			if (wire !== 'v1' && wire !== 'v2') throw new Error(`a signature log has no wire ${wire}`);
			return targetOf(
				instance,
				wire,
				all.map((ports) => ports[wire]),
			);
		},
		pids: started.map(({ pid }) => pid),
		databasePid: instance.databasePid,
		// Of one of them: the others have the same work.
		probe: first.probe,
		stop: async () => void (await Promise.all(started.map((process) => process.stop()))),
	};
}

function targetOf({ keys }: LogInstance, wire: LogWire, ports: readonly number[]): LogTarget {
	const log =
		wire === 'v1'
			? { origin: `${HOSTNAME} - ${TREE_ID}`, name: HOSTNAME, publicKey: keys.v1.publicKey }
			: { origin: V2_ORIGIN, name: V2_ORIGIN, publicKey: keys.v2.publicKey };
	return { host: '127.0.0.1', port: ports[0] ?? 0, ports, wire, log };
}
