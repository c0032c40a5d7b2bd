/** `chancery serve`: any set of services from one configuration file, in one process or in several of this host. */
import { ConfigError, loadConfig, parseSection } from '@chancery/chassis/config/config';
import { loggingSection } from '@chancery/chassis/config/process-config';
import { isWorker, reportStarted, superviseProcesses } from '@chancery/chassis/process/processes';
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
	if (processes > 1 && !isWorker) return superviseProcesses(processes, await loggingOf(configPath));
	await serve({
		name: 'chancery',
		plan: async () => {
			const { sections } = await loadConfig(configPath);
			return { path: configPath, definitions: chooseServices(services, sections) };
		},
		onStarted: reportStarted,
	});
}

/** What is wrong with the file is told by the first process that serves, with everything else that is. */
async function loggingOf(configPath: string) {
	try {
		return parseSection('logging', loggingSection, (await loadConfig(configPath)).sections.logging);
	} catch (error) {
		if (!(error instanceof ConfigError)) throw error;
		return parseSection('logging', loggingSection, {});
	}
}
