/** The checks of one service: those that every service has by what its definition says, and those that it brings. */
import { type Check, type Diagnosis, ok, type PreparedCheck, problem } from '@chancery/chassis/checkup';
import { openConfiguredKey } from '@chancery/chassis/config/process-config';
import type { InstanceSettings, Finding as ProductionFinding } from '@chancery/chassis/config/production';
import type { ServiceSettings } from '@chancery/chassis/process/process-settings';
import type { Marks } from '@chancery/chassis/service-definition';
import { KeyError } from '@chancery/keys/key-error';
import type { Signer } from '@chancery/keys/signer';
import { type MarkInspection, MarkPlaceError } from '@chancery/postgres/mark/mark';
import { checkFolder, checkSecrets } from './file-checks.ts';
import { checkTls, judgeListener } from './listener-checks.ts';
import { type LogCheckDeps, logChecks } from './log-checks.ts';
import type { LookedAtDatabase } from './looked-at-database.ts';
import { checkMigrations, checkRights } from './looked-at-database.ts';
import type { LookedAtListener } from './looked-at-listeners.ts';
import type { PlannedCheck } from './run-checks.ts';

/** What the checks of all services stand on. */
export interface Surroundings {
	readonly instance: InstanceSettings;
	/** Undefined: no service of the plan stores anything. */
	readonly database: LookedAtDatabase | undefined;
	readonly clock: () => number;
	/** Undefined: nobody is to be called. */
	readonly fetch: typeof fetch | undefined;
	readonly listeners: readonly LookedAtListener[];
	readonly isStopped: (url: string) => boolean;
	/** As commands take it. */
	readonly configOption: string;
	/** What was opened is closed when all is over. */
	readonly cleanup: AsyncDisposableStack;
}

/** Its own checks, named by it: `ca.chain`. */
export function serviceChecks(settings: ServiceSettings, around: Surroundings): PlannedCheck[] {
	const { definition, listen } = settings;
	const { name } = definition;
	const refused = refusedFindings(settings, around.instance);
	const prepared = prepare(settings, around, refused);
	// A token does not travel where production would not send it, not even to look.
	const mayCall = refused.every(({ exception }) => exception !== 'plain-calls');
	const deps = depsOf(settings, { ...around, fetch: mayCall ? around.fetch : undefined }, prepared);
	const storing = definition.migrations === undefined ? undefined : definition;
	const folders = definition.folders?.(settings.config) ?? {};
	const own: Check[] = [
		{ name: 'secrets', needs: [], run: () => checkSecrets([listen, settings.keys, settings.config]) },
		{
			name: 'listeners',
			needs: [],
			run: async () => around.listeners.filter(({ service }) => service === name).map(judgeListener),
		},
		...when(
			Object.values(listen).some(({ tls }) => tls),
			{
				name: 'tls',
				needs: [],
				run: () => checkTls(settings, around.clock()),
			},
		),
		...when(Object.keys(definition.keys).length > 0, { name: 'keys', needs: [], run: prepared.openKeys }),
		...(storing
			? [
					{ name: 'migrations', needs: [], run: () => checkMigrations(deps.database(), storing, around.configOption) },
					{ name: 'rights', needs: ['migrations'], run: () => checkRights(deps.database(), storing) },
				]
			: []),
		{ name: 'marks', needs: [], run: prepared.lookAtMarks },
		...when(Object.keys(folders).length > 0, {
			name: 'folders',
			needs: [],
			run: () => Promise.all(Object.entries(folders).map(([purpose, path]) => checkFolder(purpose, path))),
		}),
		...logChecks(settings, deps),
		...(definition.checkup?.(deps) ?? []),
	];
	return own.map((check) => ({
		...check,
		name: `${name}.${check.name}`,
		service: name,
		needs: [
			...check.needs.map((needed) => `${name}.${needed}`),
			...(storing && (check.name === 'migrations' || check.name.endsWith('-time')) ? ['database', 'clock'] : []),
		],
		advice: ADVICE[check.name as PreparedCheck] ?? `chancery config check ${name} ${around.configOption}`,
	}));
}

/** What production would refuse in the section, and nobody has allowed. */
function refusedFindings(
	{ definition, config }: ServiceSettings,
	{ profile, allow }: InstanceSettings,
): readonly ProductionFinding[] {
	if (profile === 'development') return [];
	return definition.findings(config).filter(({ exception }) => !allow.includes(exception));
}

const ADVICE: Readonly<Record<string, string>> = {
	marks: 'make the place of the mark work again, or look whether another host has it',
};

function when(isNeeded: boolean, check: Check): Check[] {
	return isNeeded ? [check] : [];
}

interface Prepared {
	readonly signers: Record<string, Signer>;
	readonly marks: Record<string, MarkInspection>;
	openKeys(): Promise<Diagnosis[]>;
	lookAtMarks(): Promise<Diagnosis[]>;
}

function prepare(
	{ definition, keys, config }: ServiceSettings,
	{ instance, cleanup }: Surroundings,
	refused: readonly ProductionFinding[],
): Prepared {
	const signers: Record<string, Signer> = {};
	const marks: Record<string, MarkInspection> = {};
	const { name } = definition;
	const requireEncrypted = instance.profile === 'production' && !instance.allow.includes('unencrypted-keys');
	const openKey = async (key: string): Promise<Diagnosis> => {
		try {
			const signer = await openConfiguredKey(name, keys, key, requireEncrypted);
			signers[key] = signer;
			return ok(`${key} opens: ${signer.algorithm}`);
		} catch (error) {
			const cause = error instanceof KeyError ? error : (error as Error).cause;
			if (!(cause instanceof KeyError)) throw error;
			return problem(`${key}: ${cause.message}`, adviceAboutKey(cause, `${name}.keys.${key}`));
		}
	};
	return {
		signers,
		marks,
		openKeys: async () => {
			const found: Diagnosis[] = [];
			// One after the other: a token may have one session.
			for (const key of Object.keys(definition.keys)) found.push(await openKey(key));
			return found;
		},
		lookAtMarks: async () => {
			const stores: Marks = definition.openMarks(config);
			const [refusedPlace] = refused.filter(({ where }) => where.startsWith(`${name}.mark`));
			if (refusedPlace)
				return [
					problem(`not looked at: ${refusedPlace.found}`, `mend ${refusedPlace.where}: production does not allow it`),
				];
			const found: Diagnosis[] = [];
			const folders = new Set<string>();
			for (const [mark, store] of Object.entries(stores)) {
				cleanup.defer(async () => store.close?.());
				const inspection = await store.inspect?.();
				if (!inspection) continue;
				marks[mark] = inspection;
				found.push(judgeMark(inspection));
				if (inspection.folder !== undefined && inspection.obstacle === undefined) folders.add(inspection.folder);
			}
			for (const folder of folders) found.push(await checkFolder('marks', folder));
			return found;
		},
	};
}

function judgeMark({ where, mark, obstacle }: MarkInspection): Diagnosis {
	if (obstacle !== undefined)
		return problem(
			`the mark ${where}: ${obstacle}`,
			'let the user of the service write there, or choose another place for the mark',
		);
	return ok(`the mark ${where}: ${mark === undefined ? 'not written yet' : `of ${mark.origin}, at ${mark.size}`}`);
}

function adviceAboutKey({ code, message }: KeyError, setting: string): string {
	const chmod = /\((chmod [^)]*)\)/.exec(message)?.[1];
	if (chmod !== undefined) return chmod;
	switch (code) {
		case 'permissions':
			return 'run this as the user of the service, who must be able to read its key';
		case 'passphrase-missing':
		case 'passphrase-wrong':
		case 'not-encrypted':
			return `look at ${setting}.passphrase: it names where the passphrase is, and belongs to an encrypted key`;
		case 'pin-missing':
		case 'pin-wrong':
		case 'pin-locked':
			return `look at ${setting}.pin, and do not repeat a wrong one: tokens lock themselves`;
		default:
			return `look at ${setting}.uri, or bring the key back from its backup`;
	}
}

function depsOf(
	{ config }: ServiceSettings,
	{ instance, database, clock, fetch, isStopped, configOption }: Surroundings,
	{ signers, marks }: Prepared,
): LogCheckDeps {
	return {
		config,
		profile: instance.profile,
		signers: () => signers,
		database: () => {
			if (!database) throw new Error('there is no database');
			return database.database;
		},
		mark: (name) => {
			const found = marks[name];
			if (!found) throw new MarkPlaceError(`the mark ${name} was not looked at`);
			return found;
		},
		clock,
		fetch,
		isStopped,
		configOption,
	};
}
