/** Faults of the tree: what is stored, published and served (invariants 1 to 4). */
import { edit, type Fault, failures, fault, guards, logTest, queue, reads } from './fault.ts';

export const TREE_FAULTS: readonly Fault[] = [
	fault(
		1,
		'answers are made before COMMIT',
		[
			edit(
				'sequence/batch.ts',
				'const storing = database.transaction(async (sql) => {',
				'const early = Promise.withResolvers<{ edge: TreeEdge; plan: Plan; time: HeadTime }>();\n\tconst storing = database.transaction(async (sql) => {',
			),
			edit(
				'sequence/batch.ts',
				'if (plan.entries.length === 0) return { edge, plan, time };',
				'early.resolve({ edge, plan, time });\n\t\tif (plan.entries.length === 0) return { edge, plan, time };',
			),
			edit(
				'sequence/batch.ts',
				'const { edge, plan, time } = await storing.catch((error: unknown) => {',
				'storing.catch(early.reject);\n\tconst { edge, plan, time } = await early.promise.catch((error: unknown) => {',
			),
		],
		failures,
		logTest,
	),
	fault(
		1,
		'COMMIT is never sent',
		{
			file: 'postgres/src/pool.ts',
			search: "answer = await client.query('commit');",
			replace: "answer = await client.query('rollback');\n\t\tanswer.command = 'COMMIT';",
		},
		logTest,
	),
	fault(
		1,
		'waiters are released by a checkpoint that does not cover them',
		edit(
			'publish/pending-submissions.ts',
			'const covered = this.#pending.filter((pending) => pending.index < publication.size);',
			'const covered = this.#pending;',
		),
		logTest,
	),
	fault(
		2,
		'the head moves without compare-and-swap',
		edit(
			'store/heads.ts',
			'set size = $4, root = $5, timestamp_ms = $6\n\t\twhere log_id = $1 and size = $2 and root = $3',
			'set size = $4, root = $5, timestamp_ms = $6\n\t\twhere log_id = $1 and $2::bigint is not null and $3::bytea is not null',
		),
		guards,
	),
	fault(
		2,
		'a publication replaces any other one',
		edit(
			'store/publications.ts',
			'where log_id = $1 and size = $6 and timestamp_ms = $7 and',
			'where log_id = $1 and $6::bigint is not null and $7::bigint is not null and',
		),
		failures,
	),
	fault(
		2,
		'a head that is not committed is published',
		edit(
			'store/publications.ts',
			'and h.size >= $2 and (h.size > $2 or h.root = $3)',
			'and $2::bigint is not null and $3::bytea is not null',
		),
		failures,
	),
	fault(
		2,
		'heads and checkpoints may become smaller',
		{
			file: 'tlog/migrations/0001_init.sql',
			search:
				'if new.log_id <> old.log_id or new.size < old.size or (new.size = old.size and new.root <> old.root) then',
			replace: 'if new.log_id <> old.log_id then',
		},
		logTest,
	),
	fault(
		2,
		'a checkpoint is shown that is smaller than one before',
		edit(
			'mark/mark-check.ts',
			'return this.#known !== undefined && this.#known.size > publication.size;',
			'return false;',
		),
		'test/replication/stale-standby',
	),
	fault(
		2,
		'a published tree that the server no longer has is published all the same',
		edit('publish/publish.ts', 'containsPublication(context, sql, publication),', 'true,'),
		'test/replication/switched-server',
		'test/replication/stale-standby',
	),
	fault(
		2,
		'the head is published unsigned',
		edit('publish/publish.ts', '() => context.signHead({ size, root, timestampMs })', 'async () => new Uint8Array(64)'),
		logTest,
	),
	fault(
		3,
		'entries are stored outside of the transaction that moves the head',
		edit('sequence/batch.ts', 'insertEntries(sql, tables, {', 'insertEntries(database, tables, {'),
		failures,
	),
	fault(3, 'full tiles are not stored', edit('sequence/batch.ts', 'insertTiles(sql, tables, plan.tiles),'), logTest),
	fault(
		3,
		'entries beyond the published size are served',
		edit('read/reads.ts', 'Math.min(end, size, start + MAX_ENTRIES)', 'Math.min(end, start + MAX_ENTRIES)'),
		reads,
	),
	fault(
		3,
		'tiles beyond the published size are served',
		edit(
			'read/reads.ts',
			'return tileWidth(level, index, (await this.#anchor(needed)).size) >= width;',
			'return true;',
		),
		reads,
	),
	fault(
		3,
		'unpublished entries are found by search',
		edit('read/reads.ts', 'before: Math.min(before ?? size, size)', 'before: before ?? size + 1_000'),
		reads,
	),
	fault(
		3,
		'stored rows may be changed',
		{
			file: 'tlog/migrations/0001_init.sql',
			search: "raise exception 'rows of % are never changed or removed', tg_table_name using errcode = '55000';",
			replace: 'return new;',
		},
		logTest,
	),
	fault(
		4,
		'repeats are looked for before the lock',
		edit(
			'sequence/batch.ts',
			'const [locked, stored, server] = await Promise.all([\n\t\t\tlockHead(sql, tables),\n\t\t\tfindIdentities(sql, tables, identities),\n\t\t\treadServerClock(sql),\n\t\t]);',
			'const stored = await findIdentities(sql, tables, identities);\n\t\tconst [locked, server] = await Promise.all([lockHead(sql, tables), readServerClock(sql)]);',
		),
		guards,
	),
	fault(
		4,
		'repeats in flight become entries of their own',
		edit(
			'submit/submit-queue.ts',
			'const known = this.#open.get(key);',
			'const known = this.#open.get(key + String(this.#waiting));',
		),
		queue,
	),
	fault(
		4,
		'what a lost COMMIT had stored is called a repeat',
		edit('sequence/batch.ts', 'const isRepeat = submission.attemptedIndex !== storedIndex;', 'const isRepeat = true;'),
		failures,
	),
	fault(
		4,
		'receipts are signed a second time',
		[
			edit(
				'publish/publisher.ts',
				'hasReceipts: signReceipt !== undefined,',
				'hasReceipts: signReceipt as unknown as boolean,',
			),
			edit(
				'publish/pending-submissions.ts',
				'const entry = complete(pending) ?? stored.get(pending.index);',
				'const first = complete(pending) ?? stored.get(pending.index);\n\t\t\tconst sign = hasReceipts as unknown as (entry: StoredEntry) => Promise<Uint8Array>;\n\t\t\tconst entry = first && hasReceipts ? { ...first, receipt: await sign(first) } : first;',
			),
		],
		logTest,
		'test/replicas',
	),
	fault(
		4,
		'publishing again replaces receipts',
		edit('publish/publish.ts', 'const first = published?.size ?? 0;', 'const first = 0;'),
		logTest,
	),
];
