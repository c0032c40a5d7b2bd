/**
 * `chancery tuf adopt-repository`: the deliberate way on for a repository that publishes nothing because its mark is
 * missing, or says something else than the database. Nothing else may have the instance open.
 */
import { loadConfig } from '@chancery/chassis/config/config';
import { DomainError } from '@chancery/chassis/domain-error';
import { readProcessSettings } from '@chancery/chassis/process/process-settings';
import { openFileMark } from '@chancery/postgres/mark/file-mark';
import { type Adoption, type AdoptionOrder, adoptRepository as adopt } from '@chancery/tuf/adopt-repository';
import { tuf } from '@chancery/tuf/definition';
import type { z } from 'zod';
import { urlOf } from '../instance/addresses.ts';
import { existingDataFolder } from '../instance/data-folder.ts';
import { lockFolder } from '../instance/folder-lock.ts';
import { openInstanceDatabase } from '../instance/instance-database.ts';
import type { InstancePlace } from '../instance/instance-place.ts';
import { readInstanceRecord } from '../instance/instance-record.ts';
import { markPath } from '../instance/marks.ts';
import { Refusal } from '../instance/refusal.ts';
import { requireMigrations, withConfiguredDatabase } from './configured-database.ts';
import { configuredMark } from './configured-mark.ts';

export interface RepositoryAdoptionOrder {
	readonly place: InstancePlace;
	/** The newest timestamp in the database as the operator read it; another one is refused. */
	readonly timestamp: number;
	/** What the operator found at clients; needed when the mark cannot tell. */
	readonly seen?: AdoptionOrder['stated'];
	/** For the record in the database: who and why. */
	readonly reason: string;
	readonly say: (line: string) => void;
}

type Repository = Pick<AdoptionOrder, 'database' | 'mark' | 'origin'>;

/**
 * @throws {Refusal}, {ConfigError}; MarkError when the mark is in use or cannot be written: the repository still refuses,
 * repeat it
 */
export async function adoptRepository(order: RepositoryAdoptionOrder): Promise<Adoption> {
	await using cleanup = new AsyncDisposableStack();
	const { timestamp: expect, reason, seen: stated, place } = order;
	const work = (repository: Repository) => adopt({ ...repository, expect, known: new Map(), stated, reason });
	try {
		return 'config' in place
			? await withConfiguredRepository(place.config, cleanup, work)
			: await work(await openFolderRepository(place.data, order.say, cleanup));
	} catch (error) {
		if (error instanceof DomainError) throw new Refusal(error.detail, { cause: error });
		throw error;
	}
}

async function openFolderRepository(
	data: string,
	say: (line: string) => void,
	cleanup: AsyncDisposableStack,
): Promise<Repository> {
	const folder = existingDataFolder(data);
	const record = await readInstanceRecord(folder);
	if (!record) throw new Refusal(`${folder.path} holds no instance`);
	const lock = await lockFolder(folder.lock);
	cleanup.defer(() => lock.release());
	const database = await openInstanceDatabase(folder.postgres, cleanup, say);
	const mark = openFileMark(markPath(record.id, tuf.name));
	cleanup.defer(() => mark.close?.());
	return { database, mark, origin: urlOf(record, 'tuf') };
}

async function withConfiguredRepository(
	path: string,
	cleanup: AsyncDisposableStack,
	work: (repository: Repository) => Promise<Adoption>,
): Promise<Adoption> {
	const { instance, sections } = await loadConfig(path);
	if (!Object.hasOwn(sections, tuf.name)) throw new Refusal(`${path} has no section '${tuf.name}'`);
	const [settings] = (await readProcessSettings([tuf], path)).services;
	if (!settings) throw new Error(`the section '${tuf.name}' was not read`);
	const mark = configuredMark(settings, 'mark', cleanup);
	const { publicUrl: origin } = settings.config as z.output<ReturnType<typeof tuf.config>>;
	const purpose = 'tuf adopt-repository';
	return withConfiguredDatabase({ instance, section: sections.database, purpose }, async (database) => {
		await requireMigrations(database, tuf, path);
		return work({ database, mark, origin });
	});
}
