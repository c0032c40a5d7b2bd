/**
 * What a service is, said once: each package of a service exports one such value from `src/definition.ts`. Its `main.ts`
 * runs it alone, the stack runs all of them in one process, and `migrate`, `log create`, the bench and the tests take
 * from it what they need. Nobody else knows how a service is put together.
 */
import type { KeyAlgorithm, Signer } from '@chancery/keys/signer';
import type { MarkStore } from '@chancery/postgres/mark/mark';
import type { MigrationSource } from '@chancery/postgres/migrate';
import type { Database } from '@chancery/postgres/sql';
import type { z } from 'zod';
import type { Check, CheckupDeps } from './checkup.ts';
import type { ListenAddress } from './config/process-config.ts';
import type { Finding, Profile } from './config/production.ts';
import type { Environment } from './config/secret.ts';
import type { Logger } from './logger.ts';
import type { Clock, Service } from './service.ts';

/** A key that a service signs with. */
export interface KeyDefinition {
	/** What it signs, and what has to fit it. */
	readonly purpose: string;
	/** What a development instance makes: an algorithm that every known client verifies. */
	readonly algorithm: KeyAlgorithm;
	/** Others that the service works with, when the key is one that somebody has already. */
	readonly otherAlgorithms?: readonly KeyAlgorithm[];
}

export type Marks = Readonly<Record<string, MarkStore>>;

/** What a service is opened with. */
export interface ServiceDeps<
	Config,
	Key extends string = never,
	OwnMarks extends Marks = Readonly<Record<never, never>>,
> {
	readonly config: Config;
	/** Of the instance. Everything that production does not start with has been refused already. */
	readonly profile: Profile;
	/** Its opened keys, by the names that the definition gives them. */
	readonly signers: Readonly<Record<Key, Signer>>;
	/** Where it remembers, outside of the database, how far it has published. */
	readonly marks: OwnMarks;
	readonly clock: Clock;
	/** `n` bytes from a cryptographically secure source. */
	readonly random: (n: number) => Uint8Array;
	readonly fetch: typeof fetch;
	readonly logger: Logger;
}

/** The same for a service that keeps something in a database, which is migrated by then. */
export interface StoringDeps<
	Config,
	Key extends string = never,
	OwnMarks extends Marks = Readonly<Record<never, never>>,
> extends ServiceDeps<Config, Key, OwnMarks> {
	readonly database: Database;
}

/** What the rows of a service's logs are made from. */
export interface CreateLogsDeps<Config, Key extends string> {
	readonly database: Database;
	readonly config: Config;
	/** What the logs are marked as, for good. */
	readonly profile: Profile;
	readonly signers: Readonly<Record<Key, Signer>>;
}

export interface CreatedLog {
	readonly log: string;
	/** False: the same log was there already. */
	readonly isNew: boolean;
}

/**
 * Its functions are methods, so that one list can hold the definitions of all services: it does not know their
 * configurations. Whoever calls them passes what the same definition has parsed, opened and named.
 */
interface Definition<Config, Key extends string, OwnMarks extends Marks, Address extends string> {
	/** Of the section in the configuration, of the schema in the database, and in the lines of the logger. */
	readonly name: string;
	/** Its keys, by their names under `keys` in the section. */
	readonly keys: Readonly<Record<Key, KeyDefinition>>;
	/** Its listeners for clients, by their names under `listen`, and what an instance calls their addresses. All have `admin` besides. */
	readonly listeners: Readonly<Record<string, Address>>;
	/** Paths of its trust reports on the admin listener. */
	readonly trustReports: readonly string[];
	/** The schema of the section, without `listen` and `keys`; `env` is where `{ env: NAME }` is looked up, by default `process.env`. */
	config(env?: Environment): z.ZodType<Config>;
	/**
	 * The marks where the section says they are; opened lazily. The service that is opened with them closes them; when
	 * `open` fails, whoever called this does (`process/open-with-marks`). Closing one twice does no harm.
	 * @throws {ConfigError} when it does not say where they are
	 */
	openMarks(config: Config): OwnMarks;
	/** Where clients reach its listeners, by their names: base URLs without a trailing slash. */
	publicUrls(config: Config): Readonly<Record<string, string>>;
	/** Folders besides those of marks that it writes to, by what they are for. */
	folders?(config: Config): Readonly<Record<string, string>>;
	/** The checks that only it can make, for `chancery doctor`. */
	checkup?(deps: CheckupDeps<Config, Key>): readonly Check[];
	/** What production does not start with in the section. */
	findings(config: Config): readonly Finding[];
	/** What no profile starts with, although each setting by itself is in order: a sentence each. */
	refusals?(config: Config, listen: Readonly<Record<string, ListenAddress>>): readonly string[];
	/** The sentence for an error of `open` that another configuration ends; undefined for every other. */
	explain?(error: unknown): string | undefined;
}

/** A service that stores nothing. */
export interface StatelessService<
	Config = unknown,
	Key extends string = string,
	OwnMarks extends Marks = Marks,
	Address extends string = string,
> extends Definition<Config, Key, OwnMarks, Address> {
	readonly migrations?: undefined;
	readonly createLogs?: undefined;
	open(deps: ServiceDeps<Config, Key, OwnMarks>): Promise<Service>;
}

/** A service with a schema in the database. */
export interface StoringService<
	Config = unknown,
	Key extends string = string,
	OwnMarks extends Marks = Marks,
	Address extends string = string,
> extends Definition<Config, Key, OwnMarks, Address> {
	readonly migrations: readonly MigrationSource[];
	/** What production does not start with in the database. Asked when the migrations are there. */
	storedFindings?(database: Database): Promise<readonly Finding[]>;
	/** Writes the rows of its logs, which `open` wants to find. Safe to repeat, and with several at once. */
	createLogs?(deps: CreateLogsDeps<Config, Key>): Promise<readonly CreatedLog[]>;
	open(deps: StoringDeps<Config, Key, OwnMarks>): Promise<Service>;
}

export type ServiceDefinition<
	Config = unknown,
	Key extends string = string,
	OwnMarks extends Marks = Marks,
	Address extends string = string,
> = StatelessService<Config, Key, OwnMarks, Address> | StoringService<Config, Key, OwnMarks, Address>;

/** Holds the parts of a definition together: the configuration, keys and marks that `open` takes are those that it names. */
export function defineService<Config, Key extends string, OwnMarks extends Marks, Address extends string>(
	definition: StoringService<Config, Key, OwnMarks, Address>,
): StoringService<Config, Key, OwnMarks, Address>;
export function defineService<Config, Key extends string, OwnMarks extends Marks, Address extends string>(
	definition: StatelessService<Config, Key, OwnMarks, Address>,
): StatelessService<Config, Key, OwnMarks, Address>;
export function defineService(definition: ServiceDefinition): ServiceDefinition {
	return definition;
}
