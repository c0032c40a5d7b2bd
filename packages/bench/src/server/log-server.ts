/**
 * The log service as a process of its own: its real `main.ts` with a configuration file, and the probe beside it.
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
	options: { readonly logLevel: string; readonly backend: BackendChoice },
): Promise<ServerUnderTest> {
	const ports = { v1: await freePort(), v2: await freePort() };
	const process = await startServiceProcess({
		service: log,
		section: instance.section({ ...options, ports }),
		sections: instance.sections(options.logLevel),
		ports: Object.values(ports),
		folder: instance.folder,
	});
	return {
		name: 'chancery',
		settings: {
			...(await instance.databaseSettings()),
			'log level': options.logLevel,
		},
		target: (wire) => {
			if (wire !== 'v1' && wire !== 'v2') throw new Error(`a signature log has no wire ${wire}`);
			return targetOf(instance, wire, ports[wire]);
		},
		pids: [process.pid],
		databasePid: instance.databasePid,
		probe: process.probe,
		stop: process.stop,
	};
}

function targetOf({ keys }: LogInstance, wire: LogWire, port: number): LogTarget {
	const log =
		wire === 'v1'
			? { origin: `${HOSTNAME} - ${TREE_ID}`, name: HOSTNAME, publicKey: keys.v1.publicKey }
			: { origin: V2_ORIGIN, name: V2_ORIGIN, publicKey: keys.v2.publicKey };
	return { host: '127.0.0.1', port, wire, log };
}
