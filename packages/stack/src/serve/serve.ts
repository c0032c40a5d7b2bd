/** `chancery serve`: any set of services from one configuration file, in one process or in several of this host. */
import { loadConfig } from '@chancery/chassis/config/config';
import { isWorker, superviseProcesses } from '@chancery/chassis/process/processes';
import { serve } from '@chancery/chassis/process/serve';
import { chooseServices } from './chosen-services.ts';

export interface ServeOrder {
	readonly configPath: string;
	/** Names; empty: all that the file has a section for. */
	readonly services: readonly string[];
	readonly processes: number;
}

/** Stays until a signal ends it, and then ends the process: see `serve` of the chassis for the exit codes. */
export async function serveServices({ configPath, services, processes }: ServeOrder): Promise<void> {
	if (processes > 1 && !isWorker) return superviseProcesses(processes);
	await serve({
		name: 'chancery',
		plan: async () => {
			const { sections } = await loadConfig(configPath);
			return { path: configPath, definitions: chooseServices(services, sections) };
		},
	});
}
