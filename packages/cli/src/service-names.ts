/** The services of an instance, as commands name them. The stack has the list; the command knows it without loading the stack. */
import { UsageError } from './usage-error.ts';

export const SERVICE_NAMES = ['identity', 'ca', 'log', 'ctlog', 'tsa', 'tuf'] as const;

/** @throws {UsageError} for a name that is none of them */
export function requireServiceNames(names: readonly string[]): void {
	for (const name of names)
		if (!(SERVICE_NAMES as readonly string[]).includes(name))
			throw new UsageError(`there is no service '${name}'; there are ${SERVICE_NAMES.join(', ')}`);
}
