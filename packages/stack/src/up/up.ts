/**
 * The story of `chancery up`: from an empty or existing data folder to an instance that has proved, from outside, that
 * it signs and verifies. What was started is stopped in reverse order, however the story ends.
 *
 * A kill at any point leaves a folder that the next start continues: the record is written first and decides, keys and
 * chains are made only where they are missing, the database recovers by itself, the ceremony looks at what is published.
 */
import { randomBytes } from 'node:crypto';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createLogger, type LogLevel } from '@chancery/chassis/logger';
import type { RunningService } from '@chancery/chassis/process/running-service';
import { selfTest } from '@chancery/client/self-test';
import { parseRfc3339 } from '@chancery/core/calendar-time';
import { explainTlsFailure } from '@chancery/net/tls-failure';
import { writeDurably } from '@chancery/postgres/file-modes';
import { tuf } from '@chancery/tuf/definition';
import { authIssuer } from '@chancery/wire/identity';
import { openDevelopmentChains } from '../bootstrap/development-chains.ts';
import { openDevelopmentKeys } from '../bootstrap/development-keys.ts';
import { signFirstRoot } from '../bootstrap/first-root.ts';
import { renewEndedChains } from '../bootstrap/renew-chains.ts';
import { holdTrustCeremony } from '../bootstrap/trust-ceremony.ts';
import { writeClientFiles } from '../development/client-files.ts';
import { developmentConfigurations } from '../development/configurations.ts';
import { checkTlsChoice, keepTlsRenewed, openInstanceTls } from '../development/instance-tls.ts';
import {
	addresses,
	administration,
	askingForSecret,
	clientInstructions,
	trusting,
} from '../development/instructions.ts';
import { mintToken } from '../development/mint-token.ts';
import { ownMaterial } from '../development/own-material.ts';
import { type InstanceParts, prepareDatabase, startServices } from '../development/start-services.ts';
import { checkHostName, checkPortBase, hostNameOf, urlOf } from '../instance/addresses.ts';
import { existingDataFolder, makeParts, openDataFolder } from '../instance/data-folder.ts';
import { lockFolder } from '../instance/folder-lock.ts';
import { openInstanceDatabase } from '../instance/instance-database.ts';
import { openInstanceRecord, readInstanceRecord, type TlsChoice } from '../instance/instance-record.ts';
import { findListenPlace } from '../instance/listen-place.ts';
import { openLogFile } from '../instance/log-file.ts';
import { makeMarkFolder } from '../instance/marks.ts';
import { Refusal } from '../instance/refusal.ts';
import { RUNNING_SERVICES } from '../services.ts';
import { listenForStop } from './stop-signals.ts';

export interface UpOptions {
	readonly data: string;
	/** Undefined: what the folder was made with, or the default. */
	readonly portBase?: number;
	/** Host name in every URL and origin. Undefined: what the folder was made with, or localhost. */
	readonly host?: string;
	/** Address to listen on. Undefined: loopback. */
	readonly listen?: string;
	/** Undefined: what the folder was made with, or plain HTTP. */
	readonly tls?: TlsChoice | 'none';
	/** Take back the retirement of the CA's root at the CT log, where it was retired. */
	readonly reinstateRoot: boolean;
	/** Stop after the self-test. */
	readonly isOnce: boolean;
	/** Print the instance as one line of JSON instead of instructions. */
	readonly isJson: boolean;
	readonly output: { data(line: string): void; say(line: string): void };
}

const PROJECT = join(import.meta.dirname, '../../../..');
const FIRST_ROOT_VALID_FOR_DAYS = 365;
const SELF_TEST_EMAIL = 'self-test@localhost.example';

/**
 * Runs an instance until it is told to stop. Returns the exit code.
 * @throws {Refusal} when the folder, the ports or the options cannot be used
 */
export async function up(options: UpOptions): Promise<number> {
	const { output } = options;
	const startedAt = performance.now();
	const stop = listenForStop(output.say);
	await using cleanup = new AsyncDisposableStack();
	cleanup.defer(() => stop.dispose());
	const started: RunningService[] = [];
	const step = (message: string) => {
		stop.signal.throwIfAborted();
		output.say(`${((performance.now() - startedAt) / 1000).toFixed(1).padStart(5)} s  ${message}`);
	};
	try {
		// 1. The folder is ours alone, and what it was made for is what is asked for.
		if (options.portBase !== undefined) checkPortBase(options.portBase);
		const hostName = await hostNameFor(options);
		if (options.tls !== undefined && options.tls !== 'none') await checkTlsChoice(options.tls, hostName);
		const place = await findListenPlace(hostName, options.listen);
		const folder = await openDataFolder(options.data);
		const lock = await lockFolder(folder.lock);
		cleanup.defer(() => lock.release());
		const { portBase, host, tls: tlsWanted } = options;
		const wanted = {
			portBase,
			hostName: host,
			tls: tlsWanted,
			listening: RUNNING_SERVICES,
			addresses: place.addresses,
		};
		const record = await openInstanceRecord(folder, wanted, Date.now());
		await makeParts(folder);
		await makeMarkFolder(record.id);
		// Written again when everything answers: whoever waits for it must not find that of an earlier run. It stays when
		// the instance stops, because the files that it names serve offline verification.
		await rm(folder.instance, { force: true });
		const logger = createLogger({
			level: logLevel(),
			json: true,
			name: 'chancery',
			destination: openLogFile(folder, 'chancery'),
		});
		step(`data in ${folder.path}, log in ${folder.logFile}`);

		// 2. Keys and chains.
		const keys = await openDevelopmentKeys(folder.keys);
		const renewed = await renewEndedChains(folder.keys, keys, Date.now());
		const chains = await openDevelopmentChains(folder.keys, keys, parseRfc3339(record.createdAt));
		step('development keys and certificates (unencrypted: never use them for anything real)');
		for (const what of renewed) output.say(`         ${what}`);

		const tls = record.tls && (await openInstanceTls(folder, record.tls, hostName));
		if (record.tls) cleanup.defer(keepTlsRenewed(folder, record.tls, hostName, logger));

		// 3. The database.
		const sayMore = (message: string) => {
			output.say(`         ${message}`);
			logger.info(message);
		};
		const database = await openInstanceDatabase(folder.postgres, cleanup, sayMore, stop.signal);
		step('database');

		// 4. Schemas and services.
		const parts: InstanceParts = {
			record,
			keys,
			configurations: developmentConfigurations(record, keys, chains, place),
			listenHost: place.host,
			tls: tls?.files,
			database,
			logger,
			clock: Date.now,
			reinstateRoot: options.reinstateRoot,
			onStarted: (service) => started.push(service),
			stop: stop.signal,
		};
		// All at once: each may take three seconds when its clients hang, and together they have five. An issuance that is
		// under way may find the CT log closed; its client is told to come back.
		cleanup.defer(async () => void (await Promise.all(started.map((service) => service.stop()))));
		await prepareDatabase(parts);
		stop.signal.throwIfAborted();
		const admin = await startServices(parts);
		step('services');

		// 5. The root of trust says what the services are.
		const { firstRoot } = await holdTrustCeremony({
			publicUrl: urlOf(record, 'tuf'),
			adminUrl: urlIn(admin, tuf.name),
			operatorToken: record.secrets.operator,
			signers: { root: keys.holders['tuf-root'], targets: keys.holders['tuf-targets'] },
			firstRoot: () =>
				signFirstRoot({
					root: keys.holders['tuf-root'],
					targets: keys.holders['tuf-targets'],
					...keys.of(tuf),
					nowMs: Date.now(),
					validForDays: FIRST_ROOT_VALID_FOR_DAYS,
				}),
			ownMaterial: ownMaterial(keys, chains),
			fetch,
			nowMs: Date.now(),
		});
		step('root of trust');

		// 6. From outside, as any client: trust, sign, verify.
		const issuer = authIssuer(urlOf(record, 'identity'));
		const cacheDir = join(folder.trust, 'tuf-cache');
		await rm(cacheDir, { recursive: true, force: true });
		const trust = await selfTest({
			tuf: { mirror: urlOf(record, 'tuf'), cacheDir, initialRoot: firstRoot },
			identityToken: await mintToken({ data: folder.path, audience: 'sigstore', email: SELF_TEST_EMAIL }),
			email: SELF_TEST_EMAIL,
			issuer,
			artifact: { name: 'README.md', bytes: await readFile(join(PROJECT, 'README.md')) },
			fetch,
			clock: Date.now,
			random: randomBytes,
			onStep: (message) => step(`self-test: ${message}`),
		});
		const files = await writeClientFiles(folder, firstRoot, trust);

		// 7. Tell people and scripts.
		const urls = Object.fromEntries(RUNNING_SERVICES.map((name) => [name, urlOf(record, name)]));
		const instance = {
			services: Object.fromEntries(Object.entries(urls).map(([name, url]) => [name, { url }])),
			oidcIssuer: issuer,
			...files,
			...(tls?.tlsCa === undefined ? {} : { tlsCa: tls.tlsCa }),
			admin: Object.fromEntries([...admin].map(([name, url]) => [name, { url }])),
		};
		await writeDurably(folder.instance, `${JSON.stringify(instance, null, 2)}\n`, 0o644);
		stop.signal.throwIfAborted();
		if (options.isJson) output.data(JSON.stringify(instance));
		else {
			const command = join(PROJECT, 'packages/cli/bin/chancery');
			const instructions = [
				tls?.tlsCa === undefined ? '' : trusting(tls.tlsCa),
				clientInstructions({
					files,
					urls,
					oidcIssuer: issuer,
					ours: [command, '--data', folder.path],
					token: [command, 'token', '--data', folder.path, '--email', 'you@example.com'],
				}),
			];
			output.data(addresses(urls, issuer));
			output.data(administration(admin, folder.record));
			if (place.isBeyondLoopback) output.data(askingForSecret(`secrets.developmentToken of ${folder.record}`));
			for (const text of instructions.filter((part) => part !== '')) output.data(text);
			output.data(`ready in ${((performance.now() - startedAt) / 1000).toFixed(1)} s, data in ${folder.path}`);
		}

		// 8. Serve.
		if (!options.isOnce) await stop.stopped;
		return 0;
	} catch (error) {
		// Asked to stop while starting: whatever failed because of that is not worth a message.
		if (stop.signal.aborted) return 0;
		throw portInUse(error) ?? untrustedCertificate(error) ?? error;
	}
}

/** What the instance is called, read before anything is decided; its record is read again when the folder is ours. */
async function hostNameFor({ host, data }: UpOptions): Promise<string> {
	if (host !== undefined) return checkHostName(host);
	// What cannot be read is refused in a moment, in words about the folder.
	const record = await readInstanceRecord(existingDataFolder(data)).catch(() => undefined);
	return hostNameOf(record ?? {});
}

function urlIn(admin: ReadonlyMap<string, string>, name: string): string {
	const url = admin.get(name);
	if (url === undefined) throw new Error(`${name} has no admin listener`);
	return url;
}

function portInUse(error: unknown): Refusal | undefined {
	const { code, port } = error as { code?: string; port?: number };
	if (code !== 'EADDRINUSE') return undefined;
	return new Refusal(
		`port ${port} is in use by another program; stop it, or use another folder with other ports (--data, --port-base)`,
		{
			cause: error,
		},
	);
}

/** The first to meet a certificate whose root nobody named is the instance itself. */
function untrustedCertificate(error: unknown): Refusal | undefined {
	if (!(error instanceof Error) || explainTlsFailure(error, 'this instance') === undefined) return undefined;
	return new Refusal(`${error.message}, or in --tls-ca`, { cause: error });
}

function logLevel(): LogLevel {
	const level = process.env.CHANCERY_LOG_LEVEL;
	return level === 'debug' || level === 'trace' || level === 'warn' || level === 'error' ? level : 'info';
}
