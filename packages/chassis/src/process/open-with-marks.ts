/** Opens a service with its marks, so that none of them stays locked behind a service that did not open. */
import type { MarkStore } from '@chancery/postgres/mark/mark';
import type { Service } from '../service.ts';
import type { Marks, ServiceDefinition } from '../service-definition.ts';

/**
 * Opens the marks that `config` places, and with them the service. Who gets a service closes it, and its marks with it;
 * when `open` fails, they are closed here, whether the service had used them or not.
 * @throws {ConfigError} when the section does not say where its marks are; whatever `open` throws
 */
export async function openWithMarks<Config>(
	definition: Pick<ServiceDefinition<Config>, 'openMarks'>,
	config: Config,
	open: (marks: Marks) => Promise<Service>,
): Promise<Service> {
	const marks = definition.openMarks(config);
	try {
		return await open(marks);
	} catch (error) {
		// What went wrong first is what has to be told.
		await Promise.allSettled(Object.values(marks).map(closeMark));
		throw error;
	}
}

async function closeMark(mark: MarkStore): Promise<void> {
	await mark.close?.();
}
