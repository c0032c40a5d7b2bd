/**
 * `chancery tuf adopt-repository`: the deliberate way on for a repository that publishes nothing because its mark is
 * missing, or says something else than the database. Nothing else may have the instance open.
 */
import { DomainError } from '@chancery/chassis/domain-error';
import { openFileMark } from '@chancery/postgres/mark/file-mark';
import { type Adoption, type AdoptionOrder, adoptRepository as adopt } from '@chancery/tuf/adopt-repository';
import { tuf } from '@chancery/tuf/definition';
import { urlOf } from '../instance/addresses.ts';
import { existingDataFolder } from '../instance/data-folder.ts';
import { lockFolder } from '../instance/folder-lock.ts';
import { openInstanceDatabase } from '../instance/instance-database.ts';
import { readInstanceRecord } from '../instance/instance-record.ts';
import { markPath } from '../instance/marks.ts';
import { Refusal } from '../instance/refusal.ts';

export interface RepositoryAdoptionOrder {
	readonly data: string;
	/** The newest timestamp in the database as the operator read it; another one is refused. */
	readonly timestamp: number;
	/** What the operator found at clients; needed when the mark cannot tell. */
	readonly seen?: AdoptionOrder['stated'];
	/** For the record in the database: who and why. */
	readonly reason: string;
	readonly say: (line: string) => void;
}

/** @throws {Refusal}, MarkError when the mark is in use or cannot be written: the repository still refuses, repeat it */
export async function adoptRepository(order: RepositoryAdoptionOrder): Promise<Adoption> {
	await using cleanup = new AsyncDisposableStack();
	const folder = existingDataFolder(order.data);
	const record = await readInstanceRecord(folder);
	if (!record) throw new Refusal(`${folder.path} holds no instance`);
	const lock = await lockFolder(folder.lock);
	cleanup.defer(() => lock.release());
	const database = await openInstanceDatabase(folder.postgres, cleanup, order.say);
	const mark = openFileMark(markPath(record.id, tuf.name));
	cleanup.defer(() => mark.close?.());
	const { timestamp: expect, reason, seen: stated } = order;
	try {
		return await adopt({ database, mark, origin: urlOf(record, 'tuf'), expect, known: new Map(), stated, reason });
	} catch (error) {
		if (error instanceof DomainError) throw new Refusal(error.detail, { cause: error });
		throw error;
	}
}
