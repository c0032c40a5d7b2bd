/**
 * `chancery doctor`: whether the services of a configuration file would work, and what to do where they would not. It
 * looks, and changes nothing: the database refuses its writes, marks are read without their locks, no key is made. Only
 * the signature end to end leaves something behind, in the logs.
 */
import { type Diagnosis, ok, problem } from '@chancery/chassis/checkup';
import { ConfigError, loadConfig, parseSection } from '@chancery/chassis/config/config';
import { databaseSection } from '@chancery/chassis/config/process-config';
import { databaseFindings } from '@chancery/chassis/config/process-findings';
import type { InstanceSettings } from '@chancery/chassis/config/production';
import { readProcessSettings, type ServiceSettings } from '@chancery/chassis/process/process-settings';
import { checkConfig } from '../serve/check-config.ts';
import { chooseServices } from '../serve/chosen-services.ts';
import { SERVICES } from '../services.ts';
import { checkConfigFile, checkSecrets } from './file-checks.ts';
import { checkClock, checkServer, type LookedAtDatabase, lookAtDatabase } from './looked-at-database.ts';
import { isStoppedAddress, lookAtListeners } from './looked-at-listeners.ts';
import { type Finding, type PlannedCheck, runChecks } from './run-checks.ts';
import { type Surroundings, serviceChecks } from './service-checks.ts';
import { checkSignature } from './signature-check.ts';

export type { Finding };

export interface DoctorOrder {
	readonly configPath: string;
	/** Names; empty: all that the file has a section for. */
	readonly services: readonly string[];
	/** Calls nobody but the database, and whatever keeps keys and marks. */
	readonly isOffline: boolean;
	/** For the signature; undefined: one of the development login. */
	readonly identityToken: string | undefined;
	readonly clock: () => number;
	readonly fetch: typeof fetch;
	readonly onFound: (finding: Finding) => void;
}

/** Several requests of a client, each with a timeout of its own. */
const SIGNATURE_WITHIN_MS = 120_000;
/** A connection that hangs is not waited for when everything has been said. */
const CLOSE_WITHIN_MS = 3_000;

/** @throws {ConfigError} when the configuration cannot be read, so that there is nothing to look at */
export async function examine(order: DoctorOrder): Promise<readonly Finding[]> {
	const { configPath, clock, onFound } = order;
	const { instance, sections } = await loadConfig(configPath);
	const chosen = chooseServices(order.services, sections);
	const settings = await readProcessSettings(chosen, configPath);
	const all = [...settings.services, ...(await neighbours(order, settings.services))];
	const listeners = await lookAtListeners(all);
	const fetch = order.isOffline ? undefined : order.fetch;

	const cleanup = new AsyncDisposableStack();
	const isStored = chosen.some(({ migrations }) => migrations !== undefined);
	const database = isStored && settings.database ? lookAtDatabase(settings.database.url) : undefined;
	if (database) cleanup.defer(() => database.database.close());
	const around: Surroundings = {
		instance,
		database,
		clock,
		fetch,
		listeners,
		isStopped: (url) => isStoppedAddress(url, listeners, ({ service, name }) => publicUrlOf(all, service, name)),
		configOption: `--config ${configPath}`,
		cleanup,
	};
	const ofInstance = (check: Omit<PlannedCheck, 'service'>): PlannedCheck => ({ service: undefined, ...check });
	const checks: PlannedCheck[] = [
		ofInstance({
			name: 'configuration',
			needs: [],
			advice: `chancery config check --config ${configPath}`,
			run: async () => [await checkConfigFile(configPath), ...(await checkSettings(order))],
		}),
		...(database
			? [
					ofInstance({
						name: 'database',
						needs: [],
						advice: 'see that the server runs and that database.url names it',
						run: async () => [
							...(await checkAllowedServer(database, instance, settings.database?.url ?? '')),
							...(await checkSecrets(parseSection('database', databaseSection(), sections.database))).filter(
								({ verdict }) => verdict !== 'ok',
							),
						],
					}),
					ofInstance({
						name: 'clock',
						needs: ['database'],
						advice: 'set the clock of this host right',
						run: () => checkClock(database, clock),
					}),
				]
			: []),
		...settings.services.flatMap((service) => serviceChecks(service, around)),
	];
	checks.push(
		ofInstance({
			name: 'signature',
			needs: checks.map(({ name }) => name),
			advice: 'look at the log lines of the service that is named, and at its /readyz with a token',
			withinMs: SIGNATURE_WITHIN_MS,
			run: () => checkSignature({ services: settings.services, listeners, identityToken: order.identityToken, fetch }),
		}),
	);
	try {
		return await runChecks(checks, onFound);
	} finally {
		await closeSoon(cleanup);
	}
}

function publicUrlOf(services: readonly ServiceSettings[], service: string, listener: string): string | undefined {
	const found = services.find(({ definition }) => definition.name === service);
	return found?.definition.publicUrls(found.config)[listener];
}

/** Services of the same file that are not looked at, as far as their sections can be read: whether they run matters too. */
async function neighbours({ configPath }: DoctorOrder, looked: readonly ServiceSettings[]): Promise<ServiceSettings[]> {
	const { sections } = await loadConfig(configPath);
	const found: ServiceSettings[] = [];
	for (const { definition } of SERVICES) {
		const isLooked = looked.some((settings) => settings.definition.name === definition.name);
		if (isLooked || !Object.hasOwn(sections, definition.name)) continue;
		try {
			found.push(...(await readProcessSettings([definition], configPath)).services);
		} catch (error) {
			if (!(error instanceof ConfigError)) throw error;
		}
	}
	return found;
}

async function checkSettings({ configPath, services }: DoctorOrder): Promise<Diagnosis[]> {
	const { instance, findings, problems, isUsable } = await checkConfig(configPath, services);
	const advice = `chancery config check --config ${configPath}`;
	if (isUsable) return [ok(`it can be used, in profile ${instance?.profile}`)];
	return [
		...problems.map((words) => problem(words, advice)),
		...findings
			.filter(({ isAllowed }) => !isAllowed)
			.map(({ where, found, exception }) =>
				problem(`${where}: ${found}`, `mend it, or write at the top: allow: [${exception}]`),
			),
	];
}

async function closeSoon(cleanup: AsyncDisposableStack): Promise<void> {
	const { promise: late, resolve } = Promise.withResolvers<void>();
	const timer = setTimeout(resolve, CLOSE_WITHIN_MS);
	await Promise.race([cleanup.disposeAsync().catch(() => undefined), late]);
	clearTimeout(timer);
}

/** A password does not travel where production would not send it, not even to look. */
async function checkAllowedServer(
	database: LookedAtDatabase,
	{ profile, allow }: InstanceSettings,
	url: string,
): Promise<Diagnosis[]> {
	const refused = databaseFindings('database.url', url).filter(({ exception }) => !allow.includes(exception));
	if (profile === 'development' || refused.length === 0) return [await checkServer(database)].flat();
	return refused.map(({ found, exception }) =>
		problem(`not asked: ${found}`, `mend database.url, or write at the top: allow: [${exception}]`),
	);
}
