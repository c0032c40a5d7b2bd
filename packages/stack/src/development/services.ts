/**
 * Brings the services of a development instance up in one process, each on its own ports. They find each other over
 * HTTP like any client, so the order only matters where one asks another while it starts.
 */
import { randomBytes } from 'node:crypto';
import { createService as createCa } from '@chancery/ca/service';
import { migrateSchema as migrateCa } from '@chancery/ca/store/migrations';
import type { TlsFiles } from '@chancery/chassis/config/tls-section';
import type { Logger } from '@chancery/chassis/logger';
import { type RunningService, startService } from '@chancery/chassis/process/running-service';
import type { Service } from '@chancery/chassis/service';
import { createCtlog } from '@chancery/ctlog/domain/log-identity';
import { createService as createCtlogService } from '@chancery/ctlog/service';
import { migrateSchema as migrateCtlog } from '@chancery/ctlog/store/migrations';
import { createService as createIdentity } from '@chancery/identity/service';
import { migrateSchema as migrateIdentity } from '@chancery/identity/store/migrations';
import { createLogs } from '@chancery/log/domain/create-logs';
import { createService as createLog } from '@chancery/log/service';
import { migrateSchema as migrateLog } from '@chancery/log/store/migrations';
import { CallError, call } from '@chancery/net/call';
import type { Database } from '@chancery/postgres/sql';
import { createService as createTsa } from '@chancery/tsa/service';
import { createService as createTuf } from '@chancery/tuf/service';
import { migrateSchema as migrateTuf } from '@chancery/tuf/store/migrations';
import { registerRoot } from '@chancery/wire/ct';
import { getTrustReport } from '@chancery/wire/trust-report';
import type { DevelopmentKeys } from '../bootstrap/development-keys.ts';
import { HOST_NAME, portOf, type ServiceName } from '../instance/addresses.ts';
import type { InstanceRecord } from '../instance/instance-record.ts';
import { type InstanceMarks, markPath } from '../instance/marks.ts';
import { Refusal } from '../instance/refusal.ts';
import type { Configurations } from './configurations.ts';
import { adviceAbout } from './log-advice.ts';
import { requireRepositoryMark } from './repository-advice.ts';
import { requireTimestampClock } from './timestamp-advice.ts';

export interface InstanceParts {
	readonly record: InstanceRecord;
	readonly keys: DevelopmentKeys;
	readonly configurations: Configurations;
	/** What the public listeners show; undefined: plain HTTP. Admin listeners never leave this process. */
	readonly tls: TlsFiles | undefined;
	readonly marks: InstanceMarks;
	readonly database: Database;
	readonly logger: Logger;
	readonly clock: () => number;
	/** Whether a root of the CA that was retired is to be accepted again. */
	readonly reinstateRoot: boolean;
	readonly onStarted: (service: RunningService) => void;
	/** Aborted when the instance is told to end: no further service is started then. */
	readonly stop: AbortSignal;
}

/** Base URL of the admin listener of each service that the bootstrap still needs. */
export interface AdminUrls {
	readonly tuf: string;
}

/** Makes or extends every schema, and the rows of logs that do not exist yet. Safe to repeat. */
export async function prepareDatabase({ database, configurations, keys, record }: InstanceParts): Promise<void> {
	await Promise.all([
		migrateIdentity(database),
		migrateCa(database),
		migrateLog(database),
		migrateCtlog(database),
		migrateTuf(database),
	]);
	const { signers } = keys;
	await createLogs({
		database,
		config: configurations.log,
		mode: record.profile,
		v1Signer: signers['log-v1'],
		v2Signer: signers['log-v2'],
	});
	await createCtlog(database, { ...configurations.ctlog, mode: record.profile }, signers.ctlog.publicKey);
}

/** Starts all services; each is handed to `onStarted` at once, so that a later failure can stop it. */
export async function startServices(parts: InstanceParts): Promise<AdminUrls> {
	const { keys, configurations, marks, database, clock, record } = parts;
	const { signers } = keys;
	const deps = (name: string) => ({
		database,
		clock,
		random: randomBytes,
		fetch,
		logger: parts.logger.child({ service: name }),
	});

	const starting = [
		createIdentity({
			...deps('identity'),
			config: configurations.identity,
			signingJwks: keys.signingJwks,
			developmentSecret: record.secrets.developmentToken,
		}).then((service) => start(parts, service, { public: 'identity' })),
		createCtlogService({
			...deps('ctlog'),
			config: configurations.ctlog,
			mode: record.profile,
			signer: signers.ctlog,
			mark: marks.ctlog,
			allowCreateMark: true,
		}).then((service) => start(parts, service, { public: 'ctlog' })),
		createLog({
			...deps('log'),
			config: configurations.log,
			mode: record.profile,
			v1Signer: signers['log-v1'],
			v2Signer: signers['log-v2'],
			marks: { v1: marks.v1, v2: marks.v2 },
			allowCreateMark: true,
		}).then((service) => start(parts, service, { v1: 'log', v2: 'log2' })),
		createTsa({ ...deps('tsa'), config: configurations.tsa, signer: signers.tsa, mark: marks.tsa }).then((service) =>
			start(parts, service, { public: 'tsa' }),
		),
	] as const;
	// When one cannot start, the others are stopped, and what is still starting could not be.
	await Promise.allSettled(starting);
	const [identity, ctlog, log, tsa] = await Promise.all(starting);
	parts.stop.throwIfAborted();
	const ca = await start(
		parts,
		await createCa({ ...deps('ca'), config: configurations.ca, issuingSigner: signers['ca-issuing'] }),
		{ public: 'ca' },
	);
	await registerCaRoot(ca.admin, ctlog.admin, parts);

	const reports = [ca, ctlog, tsa, identity].map(({ admin }) => `${admin}${getTrustReport.path}`);
	const logReports = ['v1', 'v2'].map((wire) => `${log.admin}${getTrustReport.path}/${wire}`);
	parts.stop.throwIfAborted();
	const tuf = await start(
		parts,
		await createTuf({
			...deps('tuf'),
			config: configurations.tuf([...reports, ...logReports]),
			snapshotSigner: signers['tuf-snapshot'],
			timestampSigner: signers['tuf-timestamp'],
			mark: marks.tuf,
		}),
		{ public: 'tuf' },
	);
	return { tuf: tuf.admin };
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

/** Binds the named listeners to their ports, and the admin listener to a free one on loopback. */
async function start(
	{ record, tls, logger, onStarted, stop }: InstanceParts,
	service: Service,
	listeners: Readonly<Record<string, ServiceName>>,
): Promise<{ admin: string }> {
	if (stop.aborted) await service.close();
	stop.throwIfAborted();
	const running = await startService(service, {
		logger,
		addresses: {
			...Object.fromEntries(
				Object.entries(listeners).map(([listener, name]) => [
					listener,
					{ host: HOST_NAME, port: portOf(record.portBase, name), tls },
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
	if (!admin) throw new Error(`${service.name} has no admin listener`);
	return { admin };
}

/** Which checks of which service judge a log; the reason of a log is told before the age of its head. */
const LOG_CHECKS: Readonly<Record<string, readonly (readonly [check: string, log: 'v1' | 'v2' | 'ctlog'])[]>> = {
	log: [
		['v1', 'v1'],
		['v2', 'v2'],
	],
	ctlog: [
		['log', 'ctlog'],
		['head', 'ctlog'],
	],
};

/**
 * A log that may not grow serves what it has, but an instance with it is of no use and would only say so at the
 * self-test. The usual reason is a data folder that was restored, or a state folder that was lost.
 */
async function requireWritableLogs(service: Service): Promise<void> {
	const judged = LOG_CHECKS[service.name];
	if (!judged) return;
	const { checks } = await service.health();
	for (const [check, log] of judged) {
		const { ok, detail } = checks[check] ?? { ok: false, detail: 'its health is unknown' };
		if (!ok) throw new Refusal(`the log ${log} may not grow: ${detail}. ${adviceAbout(log, detail)}`);
	}
}
