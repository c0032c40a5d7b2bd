/**
 * What only this repository can say of itself before it runs: whether it fits its mark, how long each role is valid, and
 * whether the trusted root names the keys that services have now.
 */
import {
	type Check,
	type CheckupDeps,
	type Diagnosis,
	judgeEnd,
	ok,
	problem,
	skipped,
} from '@chancery/chassis/checkup';
import { DomainError } from '@chancery/chassis/domain-error';
import { toHex } from '@chancery/core/bytes';
import type { AdoptableMarkStore } from '@chancery/postgres/mark/mark';
import type { Database } from '@chancery/postgres/sql';
import type { TufConfig } from '../config.ts';
import { ROLES } from '../metadata/metadata.ts';
import { isSignedUnder, parseMetadata } from '../metadata/signed-metadata.ts';
import { latestMetadata, metadataHash } from '../store/metadata.ts';
import { currentTargets } from './publish.ts';
import { pullTrustMaterial } from './reported-material.ts';
import { RepositoryMark } from './repository-mark.ts';
import { isNamedIn, publishedTrustedRoot } from './trusted-root-target.ts';

/** Keyholders need weeks, the service renews the others by itself; the alert rules say the same. */
const WARN_DAYS = { root: 30, targets: 30, snapshot: 7, timestamp: 2 } as const;
const PUBLISH = "publish the first root and targets: 'chancery trust publish --instance DIR'";

type Deps = CheckupDeps<TufConfig, 'snapshot' | 'timestamp'>;

export function checkup(deps: Deps): readonly Check[] {
	return [
		{ name: 'mark', needs: ['migrations', 'marks'], run: () => compareMark(deps) },
		{ name: 'roles', needs: ['migrations'], run: () => checkRoles(deps) },
		{ name: 'reports', needs: ['migrations'], run: () => checkReports(deps) },
	];
}

async function compareMark({ config, database, mark, configOption }: Deps): Promise<Diagnosis> {
	const { mark: stored, holder } = mark('mark');
	const comparison = new RepositoryMark(asFound(stored, holder), database(), config.publicUrl);
	try {
		const { versions } = await comparison.judge();
		if (!stored) return ok('nothing has been published yet, and nothing is marked');
		return ok(
			`the database holds what was published: ${[...versions].map(([role, { version }]) => `${role} ${version}`).join(', ')}`,
		);
	} catch (error) {
		if (!(error instanceof DomainError)) throw error;
		const newest = (await latestMetadata(database(), 'timestamp'))?.version ?? 0;
		return problem(
			error.detail,
			`find out which of the two is right; to adopt the database: chancery tuf adopt-repository ${configOption} --timestamp ${newest} --reason "..."`,
		);
	}
}

/** The mark as it was looked at, for a comparison that writes nothing. */
function asFound(
	mark: Awaited<ReturnType<AdoptableMarkStore['read']>>,
	holder: string | undefined,
): AdoptableMarkStore {
	const refuse = () => Promise.reject(new Error('the mark is only looked at'));
	return {
		read: async () => mark,
		advance: refuse,
		replace: refuse,
		inspect: refuse,
		...(holder === undefined ? {} : { holder: async () => holder }),
	};
}

async function checkRoles({ database, clock }: Deps): Promise<Diagnosis | Diagnosis[]> {
	const sql = database();
	const first = await metadataHash(sql, 'root', 1);
	const newestRoot = await latestMetadata(sql, 'root');
	if (!first || !newestRoot) return problem('no root has been published', PUBLISH);
	const root = parseMetadata(newestRoot.content, 'root').signed;
	const found = [ok(`the first root has SHA-256 ${toHex(first)}`)];
	for (const role of ROLES) found.push(await checkRole(sql, role, root, clock()));
	return found;
}

async function checkRole(
	sql: Database,
	role: (typeof ROLES)[number],
	root: Parameters<typeof isSignedUnder>[0],
	nowMs: number,
): Promise<Diagnosis> {
	const newest = await latestMetadata(sql, role);
	const isOnline = role === 'snapshot' || role === 'timestamp';
	const advice = isOnline
		? 'run the service tuf: it renews them by itself; when it runs, its log says why it does not'
		: "have the keyholders sign new ones: 'chancery trust publish --instance DIR'";
	if (!newest) return problem(`no ${role} has been published`, PUBLISH);
	if (!isSignedUnder(root, role, newest.content))
		return problem(`${role} ${newest.version} is not signed by the keys that the newest root names`, advice);
	const end = { endMs: newest.expiresAt.getTime(), nowMs, warnDays: WARN_DAYS[role] };
	return judgeEnd(`${role} ${newest.version}`, end, advice);
}

async function checkReports({ config, database, fetch, clock, isStopped }: Deps): Promise<Diagnosis | Diagnosis[]> {
	if (config.services.length === 0) return ok('no services are configured to report');
	if (!fetch) return skipped('the services were not asked for their keys');
	const root = await publishedTrustedRoot(database(), (await currentTargets({ database: database() }))?.signed);
	if (!root) return skipped('there is no trusted root yet to compare reported keys with');
	return Promise.all(
		config.services.map(async (service): Promise<Diagnosis> => {
			const { trustReportUrl } = service;
			if (isStopped(trustReportUrl)) return skipped(`${trustReportUrl} is of this file and does not run`);
			try {
				const material = await pullTrustMaterial({ fetch, clock }, service);
				if (isNamedIn(root, material)) return ok(`the trusted root names what ${trustReportUrl} reports`);
				return problem(
					`${trustReportUrl} reports a ${material.kind} that the trusted root does not name: clients refuse what it signs`,
					"if that key is meant, have it signed: 'chancery trust publish --instance DIR'; else mend the keys of that service",
				);
			} catch (error) {
				if (!(error instanceof DomainError)) throw error;
				return problem(
					error.detail,
					'see that the service runs, and that tuf.services has its address and a token that it knows',
				);
			}
		}),
	);
}
