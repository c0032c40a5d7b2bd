/** Whether sign-ins can be served: the database answers, and at least one login method is switched on. */
import type { Health } from '@chancery/chassis/service';
import type { Sql } from '@chancery/postgres/sql';
import { probeArtifacts } from '../store/artifacts.ts';

export async function healthOf(sql: Sql, loginMethods: readonly string[]): Promise<Health> {
	const database = await databaseCheck(sql);
	return {
		ready: database.ok,
		checks: {
			database,
			login:
				loginMethods.length > 0
					? { ok: true, detail: `ways to sign in: ${loginMethods.join(', ')}` }
					: { ok: false, detail: 'no way to sign in is configured: only tokens of other issuers can be used' },
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
