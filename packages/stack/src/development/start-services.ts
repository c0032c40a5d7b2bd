/**
 * Brings the services of a development instance up in one process, each on its own ports. They find each other over
 * HTTP like any client, so the order only matters where one asks another while it starts.
 */
import { randomBytes } from 'node:crypto';
import { ca } from '@chancery/ca/definition';
import type { TlsFiles } from '@chancery/chassis/config/tls-section';
import type { Logger } from '@chancery/chassis/logger';
import { openWithMarks } from '@chancery/chassis/process/open-with-marks';
import { type RunningService, startService } from '@chancery/chassis/process/running-service';
import { ctlog } from '@chancery/ctlog/definition';
import { CallError, call } from '@chancery/net/call';
import { migrateAll } from '@chancery/postgres/migrate';
import type { Database } from '@chancery/postgres/sql';
import { tuf } from '@chancery/tuf/definition';
import { registerRoot } from '@chancery/wire/ct';
import { getTrustReport } from '@chancery/wire/trust-report';
import type { DevelopmentKeys } from '../bootstrap/development-keys.ts';
import { portOf } from '../instance/addresses.ts';
import type { InstanceRecord } from '../instance/instance-record.ts';
import { markPath } from '../instance/marks.ts';
import { Refusal } from '../instance/refusal.ts';
import { type InstanceService, SERVICES } from '../services.ts';
import type { Configurations } from './configurations.ts';
import { requireWritableLogs } from './log-advice.ts';
import { requireRepositoryMark } from './repository-advice.ts';
import { requireTimestampClock } from './timestamp-advice.ts';

export interface InstanceParts {
	readonly record: InstanceRecord;
	readonly keys: DevelopmentKeys;
	readonly configurations: Configurations;
	/** Where the public listeners are bound: a name or address. */
	readonly listenHost: string;
	/** What the public listeners show; undefined: plain HTTP. Admin listeners never leave this process. */
	readonly tls: TlsFiles | undefined;
	readonly database: Database;
	readonly logger: Logger;
	readonly clock: () => number;
	/** Whether a root of the CA that was retired is to be accepted again. */
	readonly reinstateRoot: boolean;
	readonly onStarted: (service: RunningService) => void;
	/** Aborted when the instance is told to end: no further service is started then. */
	readonly stop: AbortSignal;
}

/** Base URL of the admin listener of each service, by its name. */
export type AdminUrls = ReadonlyMap<string, string>;

/** Makes or extends every schema, and the rows of logs that do not exist yet. Safe to repeat. */
export async function prepareDatabase({ database, configurations, keys, record }: InstanceParts): Promise<void> {
	await Promise.all(SERVICES.map(({ definition }) => migrateAll(database, definition.migrations ?? [])));
	for (const { definition } of SERVICES)
		await definition.createLogs?.({
			database,
			config: configurations(definition),
			profile: record.profile,
			signers: keys.of(definition),
		});
}

/** These ask others while they start, or are asked about soon after: they come when the others are there. */
const LATER: readonly string[] = [ca.name, tuf.name];

/** Starts all services; each is handed to `onStarted` at once, so that a later failure can stop it. */
export async function startServices(parts: InstanceParts): Promise<AdminUrls> {
	const starting = SERVICES.filter(({ definition }) => !LATER.includes(definition.name)).map(({ definition }) =>
		start(parts, definition),
	);
	// When one cannot start, the others are stopped, and what is still starting could not be.
	await Promise.allSettled(starting);
	const started = await Promise.all(starting);
	parts.stop.throwIfAborted();
	started.push(await start(parts, ca));
	await registerCaRoot(adminOf(started, ca), adminOf(started, ctlog), parts);
	parts.stop.throwIfAborted();
	const reports = started.flatMap(({ trustReportUrls }) => trustReportUrls);
	started.push(await start(parts, tuf, reports));
	return new Map(started.map(({ name, admin }) => [name, admin]));
}

function adminOf(started: readonly StartedService[], { name }: { readonly name: string }): string {
	const found = started.find((service) => service.name === name);
	if (!found) throw new Error(`${name} is not in the list of services`);
	return found.admin;
}

/**
 * The CT log accepts chains to the CA's root, on the CA's own signed word of this moment. Repeating it changes nothing. A
 * root that an operator has retired stays so, unless this start was told otherwise in so many words.
 */
async function registerCaRoot(
	caAdmin: string,
	ctlogAdmin: string,
	{ record, reinstateRoot }: InstanceParts,
): Promise<void> {
	const headers = { authorization: `Bearer ${record.secrets.operator}` };
	const { body: report } = await call(getTrustReport, caAdmin, {}, { fetch, headers });
	const query = reinstateRoot ? ({ reinstate: 'true' } as const) : {};
	try {
		await call(registerRoot, ctlogAdmin, { query, body: report }, { fetch, headers });
	} catch (error) {
		if (!(error instanceof CallError) || error.status !== 409) throw error;
		throw new Refusal(
			`the CT log does not accept the root of this instance's CA, and nothing can be signed without it: ${error.serverMessage}. If it was retired by mistake, start once with --reinstate-root`,
		);
	}
}

interface StartedService {
	readonly name: string;
	/** Base URL of its admin listener. */
	readonly admin: string;
	readonly trustReportUrls: readonly string[];
}

/** Opens a service, and binds its listeners to their ports, the admin listener to a free one on loopback. */
async function start(
	{ record, keys, configurations, listenHost, tls, database, clock, logger, onStarted, stop }: InstanceParts,
	definition: InstanceService['definition'],
	trustReportUrls: readonly string[] = [],
): Promise<StartedService> {
	const { name, listeners } = definition;
	const config = configurations(definition, trustReportUrls);
	const service = await openWithMarks(definition, config, (marks) =>
		definition.open({
			config,
			profile: record.profile,
			signers: keys.of(definition),
			marks,
			database,
			clock,
			random: randomBytes,
			fetch,
			logger: logger.child({ service: name }),
		}),
	);
	if (stop.aborted) await service.close();
	stop.throwIfAborted();
	const running = await startService(service, {
		logger,
		addresses: {
			...Object.fromEntries(
				Object.entries(listeners).map(([listener, address]) => [
					listener,
					{ host: listenHost, port: portOf(record.portBase, address), tls },
				]),
			),
			admin: { host: '127.0.0.1', port: 0 },
		},
	});
	onStarted(running);
	await requireWritableLogs(service);
	await requireRepositoryMark(service);
	await requireTimestampClock(service, markPath(record.id, 'tsa'));
	const { admin } = running.urls;
	if (!admin) throw new Error(`${name} has no admin listener`);
	return { name, admin, trustReportUrls: definition.trustReports.map((path) => `${admin}${path}`) };
}
