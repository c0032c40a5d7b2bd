/**
 * Where a service keeps its marks: files for the processes of one host, rows of another database or objects in a bucket for
 * those of several. Exactly one of the three is required: without a mark a restored backup looks like the truth.
 */
import { openMarkBucket } from '@chancery/net/object-store/mark-bucket';
import { openBucketMark } from '@chancery/postgres/mark/bucket-mark';
import { openFileMark } from '@chancery/postgres/mark/file-mark';
import type { AdoptableMarkStore } from '@chancery/postgres/mark/mark';
import { openMarkDatabase } from '@chancery/postgres/mark/mark-database';
import { z } from 'zod';
import { bucketFields } from './bucket-fields.ts';
import { ConfigError } from './config.ts';
import { postgresUrl } from './process-config.ts';
import { callFindings, databaseFindings } from './process-findings.ts';
import type { Finding } from './production.ts';
import { type Environment, Secret } from './secret.ts';

/** What is said of every file. */
export const FILE_RULE =
	'For all processes of one host; not on a network file system. Keep it outside of every database, data folder and backup: it is what shows that something was set back.';

/** The two fields of the places that several hosts share. `remembered` says what the mark holds, for the operator. */
export function markPlaceFields(remembered: string, file: string, env?: Environment) {
	return {
		markDatabase: postgresUrl(env)
			.optional()
			.describe(
				`postgres:// URL, or { file } or { env } where it is, of the database that remembers ${remembered}, for processes on several hosts. Of another cluster than the service's own, and never restored together with it. One of ${file}, markDatabase and markBucket is required.`,
			),
		markBucket: z
			.strictObject(bucketFields('Marks of several services may share it; each has a name of its own.', env))
			.optional()
			.describe(
				`Bucket that remembers ${remembered}, for processes on several hosts. The store is asked at the start whether it refuses writes whose condition (If-Match, If-None-Match) is not met; one that ignores them is not used. Without versions or backups that bring an older object back.`,
			),
	};
}

/** The three fields, to be spread into the section of a service with one mark. */
export function markFields(remembered: string, env?: Environment) {
	return {
		markFile: z.string().min(1).optional().describe(`File that remembers ${remembered}. ${FILE_RULE}`),
		...markPlaceFields(remembered, 'markFile', env),
	};
}

export interface MarkPlaces {
	readonly markDatabase?: string | Secret | undefined;
	readonly markBucket?: Parameters<typeof openMarkBucket>[0] | undefined;
}

export interface MarkChoice extends MarkPlaces {
	readonly markFile?: string | undefined;
}

/**
 * Opens the mark of a service; `name` tells it from others in one database or bucket.
 * @throws {ConfigError} unless exactly one place is configured
 */
export function openConfiguredMark(
	service: string,
	{ markFile, ...places }: MarkChoice,
	name: string,
): AdoptableMarkStore {
	const file = { field: 'markFile', paths: markFile === undefined ? undefined : { mark: markFile } };
	return openConfiguredMarks(service, file, places, { mark: name }).mark;
}

/**
 * The same for a service with several marks.
 * @param file the name of the field, and the files if it names some
 * @throws {ConfigError} unless exactly one place is configured
 */
export function openConfiguredMarks<Name extends string>(
	service: string,
	file: { readonly field: string; readonly paths: Readonly<Record<Name, string>> | undefined },
	{ markDatabase, markBucket }: MarkPlaces,
	names: Readonly<Record<Name, string>>,
): Readonly<Record<Name, AdoptableMarkStore>> {
	if ([file.paths, markDatabase, markBucket].filter((place) => place !== undefined).length !== 1)
		throw new ConfigError(`${service}: one of ${file.field}, markDatabase and markBucket is required`);
	if (markDatabase !== undefined)
		return openMarkDatabase(markDatabase instanceof Secret ? markDatabase.reveal() : markDatabase, names);
	const bucket = markBucket && openMarkBucket(markBucket);
	const open = (name: Name) => (bucket ? openBucketMark(bucket, names[name]) : openFileMark(file.paths?.[name] ?? ''));
	const marks = (Object.keys(names) as Name[]).map((name) => [name, open(name)] as const);
	return Object.fromEntries(marks) as Record<Name, AdoptableMarkStore>;
}

/** What production does not start with, in the places of the marks of a section. */
export function markFindings(service: string, { markDatabase, markBucket }: MarkPlaces): Finding[] {
	return [
		...(markDatabase ? databaseFindings(`${service}.markDatabase`, markDatabase) : []),
		...(markBucket ? callFindings(`${service}.markBucket.endpoint`, markBucket.endpoint) : []),
	];
}
