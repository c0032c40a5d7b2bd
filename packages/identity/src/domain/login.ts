/** A finished login: the account is stored until its tokens have been requested. */
import type { Clock } from '@chancery/chassis/service';
import type { Sql } from '@chancery/postgres/sql';
import { findAccountBySub, putAccount } from '../store/accounts.ts';
import type { Account } from './account.ts';

/** Longer than interaction, device code and authorization code together. */
const ACCOUNT_LIFETIME_MS = 60 * 60 * 1000;

interface LoginDeps {
	readonly database: Sql;
	readonly clock: Clock;
}

/** Remembers who logged in. */
export async function rememberLogin(deps: LoginDeps, account: Account): Promise<void> {
	await putAccount(deps.database, account, new Date(deps.clock() + ACCOUNT_LIFETIME_MS));
}

/** The account of a subject that has logged in recently. */
export function recallLogin(deps: LoginDeps, sub: string): Promise<Account | undefined> {
	return findAccountBySub(deps.database, sub, new Date(deps.clock()));
}
