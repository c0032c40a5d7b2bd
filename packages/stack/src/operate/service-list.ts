/** The services that keep something in a database, in the order in which an operator reads of them. */
import { MIGRATIONS as CA } from '@chancery/ca/store/migrations';
import { ConfigError } from '@chancery/chassis/config/config-error';
import { MIGRATIONS as CTLOG } from '@chancery/ctlog/store/migrations';
import { MIGRATIONS as IDENTITY } from '@chancery/identity/store/migrations';
import { MIGRATIONS as LOG } from '@chancery/log/store/migrations';
import type { MigrationSource } from '@chancery/postgres/migrate';
import { MIGRATIONS as TUF } from '@chancery/tuf/store/migrations';

export const STORING_SERVICES: Readonly<Record<string, readonly MigrationSource[]>> = {
	identity: IDENTITY,
	ca: CA,
	log: LOG,
	ctlog: CTLOG,
	tuf: TUF,
};

/**
 * Those of the named services, or of all, that the file has a section for.
 * @throws ConfigError for a name that is none of them, or that has no section
 */
export function chooseServices(named: readonly string[], sections: Readonly<Record<string, unknown>>): string[] {
	const known = Object.keys(STORING_SERVICES);
	for (const name of named) {
		if (!known.includes(name))
			throw new ConfigError(`'${name}' is no service with a database; these have one: ${known.join(', ')}`);
		if (!Object.hasOwn(sections, name)) throw new ConfigError(`the configuration has no section '${name}'`);
	}
	const chosen = named.length > 0 ? [...new Set(named)] : known.filter((name) => Object.hasOwn(sections, name));
	if (chosen.length === 0)
		throw new ConfigError(`the configuration has no section of a service with a database (${known.join(', ')})`);
	return chosen;
}
