/**
 * Whether sign-ins can be served: the database answers, and at least one login method is switched on. Keys of machine issuers
 * that cannot be fetched are shown, and do not count.
 */
import type { Health } from '@chancery/chassis/service';
import type { Sql } from '@chancery/postgres/sql';
import type { Connector } from '../connectors/connector.ts';
import { probeArtifacts } from '../store/artifacts.ts';

/** What is known of the connectors without asking anyone. One that is down leaves the others, so the service stays ready. */
export async function healthOf(
	sql: Sql,
	loginMethods: readonly string[],
	connectors: readonly Pick<Connector, 'id' | 'state'>[],
	machineIssuers: Health['checks'],
): Promise<Health> {
	const database = await databaseCheck(sql);
	const upstream = connectors.map((connector) => [`connector ${connector.id}`, connector.state()] as const);
	return {
		ready: database.ok,
		checks: {
			...Object.fromEntries(Object.entries(machineIssuers).map(([url, state]) => [`machine issuer ${url}`, state])),
			database,
			login:
				loginMethods.length > 0
					? { ok: true, detail: `ways to sign in: ${loginMethods.join(', ')}` }
					: { ok: false, detail: 'no way to sign in is configured: only tokens of other issuers can be used' },
			...Object.fromEntries(upstream),
		},
	};
}

async function databaseCheck(sql: Sql): Promise<{ ok: boolean; detail: string }> {
	try {
		await probeArtifacts(sql);
		return { ok: true, detail: 'answers' };
	} catch (error) {
		return { ok: false, detail: error instanceof Error ? error.message : 'does not answer' };
	}
}
