/** The keys and the database of a service that is measured: made once, then its server is started with them. */
import { join } from 'node:path';
import type { Wire } from '../load/workloads.ts';
import { countStored } from '../stored-entries.ts';
import { CaInstance } from './ca-instance.ts';
import type { BackendChoice } from './digest-backend.ts';
import { IdentityInstance } from './identity-instance.ts';
import { LogInstance } from './log-instance.ts';
import { startLogServer } from './log-server.ts';
import type { ServerUnderTest } from './server-under-test.ts';
import { makeTsaFiles, startTsaServer } from './tsa-instance.ts';

export type ServiceUnderTest = 'log' | 'ca' | 'tsa' | 'identity';

export interface MeasuredInstance {
	start(backend: BackendChoice): Promise<ServerUnderTest>;
	/** Number of acknowledged requests that the database contains; undefined for a service that stores nothing. */
	countStored(): Promise<number | undefined>;
	close(): Promise<void>;
}

export function serviceOf(wire: Wire): ServiceUnderTest {
	return wire === 'v1' || wire === 'v2' ? 'log' : wire;
}

/** Makes the keys and the database of `service` below `folder`. */
export async function openMeasuredInstance(
	service: ServiceUnderTest,
	folder: string,
	logLevel: string,
	processes = 1,
): Promise<MeasuredInstance> {
	const at = join(folder, service);
	if (service === 'log') {
		const instance = await LogInstance.create(at);
		return {
			start: (backend) => startLogServer(instance, { logLevel, backend, processes }),
			countStored: () => countStored(instance.database),
			close: () => instance.close(),
		};
	}
	if (service === 'ca') {
		const instance = await CaInstance.create(at, logLevel);
		return {
			start: () => instance.start(logLevel),
			countStored: () => instance.countStored(),
			close: () => instance.close(),
		};
	}
	if (service === 'identity') {
		const instance = await IdentityInstance.create(at);
		return {
			start: () => instance.start(logLevel),
			countStored: () => instance.countStored(),
			close: () => instance.close(),
		};
	}
	const files = await makeTsaFiles(at);
	return {
		start: () => startTsaServer(files, logLevel),
		countStored: async () => undefined,
		close: async () => undefined,
	};
}
