/** What production does not start with in the database of the identity provider. */
import type { Finding } from '@chancery/chassis/config/production';
import type { Sql } from '@chancery/postgres/sql';
import { findOrigin, hasLiveAccounts } from '../store/origin.ts';

/**
 * A schema that a development instance has used stays marked, because who signed in there was believed and not checked.
 *
 * One from before the mark existed counts as made by whoever opens it first: everything in it expires within the hour. Until
 * then, sign-ins in it are those of the development login, the only one that those versions had.
 */
export async function storedFindings(sql: Sql): Promise<Finding[]> {
	const origin = await findOrigin(sql);
	if (origin === 'development')
		return [
			{
				exception: 'development-data',
				where: 'the schema identity',
				found: 'its row in identity.origin says that a development instance made it',
			},
		];
	if (origin === undefined && (await hasLiveAccounts(sql)))
		return [
			{
				exception: 'development-login',
				where: 'the schema identity',
				found: 'an earlier version left sign-ins of the development login, which expire within an hour',
			},
		];
	return [];
}
