/** Which services of an instance a command is about. */
import { ConfigError, type ConfigSections } from '@chancery/chassis/config/config';
import { nearestTo } from '@chancery/chassis/config/nearest-key';
import type { ServiceDefinition } from '@chancery/chassis/service-definition';
import { SERVICES } from '../services.ts';

/** Sections that belong to the process. */
const PROCESS_SECTIONS = ['database', 'logging', 'process'];

/**
 * The named services, or all that the file has a section for.
 * @throws {ConfigError} for a name or a section that is none of a service, with the nearest one; and when none is left
 */
export function chooseServices(named: readonly string[], sections: ConfigSections): ServiceDefinition[] {
	const known = SERVICES.map(({ definition }) => definition.name);
	for (const name of named) {
		if (!known.includes(name)) throw new ConfigError(`there is no service '${name}'; ${hint(name, known)}`);
		if (!Object.hasOwn(sections, name)) throw new ConfigError(`the configuration has no section '${name}'`);
	}
	// Left out of all, a section with a misspelt name would be a service that silently does not run.
	const others = [...known, ...PROCESS_SECTIONS];
	for (const name of Object.keys(sections))
		if (!others.includes(name)) throw new ConfigError(`unknown section '${name}'; ${hint(name, others)}`);
	const chosen = SERVICES.map(({ definition }) => definition).filter(({ name }) =>
		named.length > 0 ? named.includes(name) : Object.hasOwn(sections, name),
	);
	if (chosen.length === 0) throw new ConfigError(`the configuration has no section of a service (${known.join(', ')})`);
	return chosen;
}

function hint(name: string, known: readonly string[]): string {
	const nearest = nearestTo(name, known);
	return nearest === undefined ? `there are ${known.join(', ')}` : `did you mean '${nearest}'?`;
}
