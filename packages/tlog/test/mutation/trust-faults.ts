/** Faults of trust: the mark, servers, proofs, overload and identity (invariants 5 to 9). */
import { edit, type Fault, failures, fault, guards, logTest, markCheck, queue } from './fault.ts';

export const TRUST_FAULTS: readonly Fault[] = [
	fault(
		5,
		'the mark is not compared before signing',
		edit('mark/mark-check.ts', 'await this.#requireContains(mark, state.head, rootsOf(state.head));'),
		markCheck,
	),
	fault(
		5,
		'the mark is not compared under the lock',
		edit('sequence/batch.ts', 'await mark.compareKnown(head, (size) => rootAt(size, read));'),
		markCheck,
	),
	fault(
		5,
		'only the size of the mark is compared',
		edit(
			'mark/mark-check.ts',
			'const root = head.size === mark.size ? head.root : await rootAt(mark.size);',
			'const root = head.size === mark.size ? head.root : mark.root;',
		),
		markCheck,
	),
	fault(
		5,
		'the mark advances after the answers are released',
		edit(
			'publish/publish.ts',
			'await mark.advance(publication);',
			'void mark.advance(publication).catch(() => undefined);',
		),
		guards,
	),
	fault(
		5,
		'a missing mark is made beside entries',
		edit(
			'mark/mark-check.ts',
			'if (stored === undefined && !isEmpty)',
			'if (stored === undefined && !isEmpty && this.#known)',
		),
		markCheck,
	),
	fault(
		5,
		'a mark of another log is accepted',
		edit(
			'mark/mark-check.ts',
			'if (mark && !equalBytes(mark.keyId, this.#keyId))',
			'if (mark && mark.keyId.length === 0)',
		),
		markCheck,
	),
	fault(
		5,
		'a file mark goes back',
		{ file: 'postgres/src/mark/mark-format.ts', search: 'return next.size > stored.size;', replace: 'return true;' },
		'test/marks/file-mark',
	),
	fault(
		5,
		'a second process with a file of its own starts',
		edit('log/log.ts', 'await claimHolder(database, tables, markStore, state);'),
		'test/marks/file-mark',
	),
	fault(
		5,
		'the mark is read after the database',
		[
			edit(
				'mark/mark-check.ts',
				'const stored = await this.#read();',
				'const state = await readState();\n\t\tconst stored = await this.#read();',
			),
			edit('mark/mark-check.ts', 'const state = await readState();\n\t\t// An empty log', '// An empty log'),
		],
		'test/surroundings/mark-place',
	),
	fault(
		6,
		'the settings of the server are not read back',
		edit('sequence/batch.ts', 'requireDurable(locked.settings);'),
		failures,
	),
	fault(
		6,
		'a lost answer to COMMIT is taken for a success',
		{
			file: 'postgres/src/pool.ts',
			search: 'if (isCertainRollback(error)) throw error;',
			replace: 'if (isCertainRollback(error)) throw error;\n\t\treturn result;',
		},
		'../postgres/src/commit-unknown.test.ts',
	),
	fault(
		6,
		'a COMMIT that came with a warning is taken for a success',
		{ file: 'postgres/src/pool.ts', search: 'if (reservation !== undefined)', replace: 'if (reservation === null)' },
		'../postgres/src/pool.test.ts',
		'test/replication/synchronous-standby',
	),
	fault(
		6,
		'after an unknown outcome memory is believed',
		[
			edit('sequence/sequencer.ts', 'this.#edge = undefined;\n\t\t\t\tconst verdict', 'const verdict'),
			// Memory is compared with the head as well, which would be enough.
			edit('sequence/batch.ts', 'if (known?.isAt(head)) return', 'if (known) return'),
		],
		failures,
	),
	fault(
		7,
		'the proof of an answer is not checked',
		edit('publish/answers.ts', 'checkInclusion({ index, size, leafHash, root, proof: hashes });'),
		guards,
	),
	fault(
		7,
		'inclusion proofs for readers are not checked',
		edit(
			'tree/proofs.ts',
			'checkInclusion({ index, size, leafHash: leafHash!, root: await anchoredRoot(from, anchor, size), proof });',
		),
		guards,
	),
	fault(
		7,
		'roots of smaller trees are not tied to the published one',
		edit(
			'tree/proofs.ts',
			'checkConsistency({ first: size, second: anchor.size, firstRoot: root, secondRoot: anchor.root, proof });',
		),
		guards,
	),
	fault(
		7,
		'consistency proofs are not checked',
		[
			edit('tree/proofs.ts', 'checkConsistency({ first, second, firstRoot, secondRoot, proof });'),
			// The smaller tree is tied to the published one as well, which would be enough.
			edit('tree/proofs.ts', 'const firstRoot = await anchoredRoot(from, anchor, first);'),
		],
		guards,
	),
	fault(
		8,
		'a batch with poison in it is refused as a whole',
		edit('sequence/sequencer.ts', 'isPoison: isDataError,', 'isPoison: () => false,'),
		'test/poison',
	),
	fault(
		8,
		'leaves that no tile can hold are stored',
		edit(
			'sequence/batch.ts',
			'if (encoded.leaf.length > maxLeafBytes)',
			'if (encoded.leaf.length > maxLeafBytes * 1_000)',
		),
		'test/poison',
	),
	fault(
		8,
		'any number of submissions may wait',
		edit('submit/submit-queue.ts', 'if (this.#waiting >= maxWaiting)', 'if (this.#waiting >= maxWaiting * 1_000)'),
		queue,
	),
	fault(
		8,
		'any number of bytes may wait',
		edit(
			'submit/submit-queue.ts',
			'if (this.#bytes + byteLength > maxWaitingBytes)',
			'if (this.#bytes + byteLength > maxWaitingBytes * 1_000)',
		),
		queue,
	),
	fault(
		8,
		'entries are taken in while nothing is published',
		edit('log/log.ts', 'unpublished >= limits.maxUnpublished', 'unpublished >= limits.maxUnpublished * 1_000'),
		queue,
	),
	fault(
		8,
		'overload does not say when to come back',
		edit(
			'submit/submit-queue.ts',
			"return new TlogError('overloaded', detail, { retryAfterSeconds: retryAfterSeconds() });",
			"return new TlogError('overloaded', detail);",
		),
		queue,
	),
	fault(
		8,
		'a signer that never answers is waited for without end',
		edit(
			'publish/deadline.ts',
			'return within(timeoutMs, sign, late);',
			'return within(timeoutMs * 1_000, sign, late);',
		),
		'test/surroundings/signer',
	),
	fault(
		8,
		'health is well while the database is away',
		edit('log/health.ts', '(sequencer.problem ?? publisher.failure ?? queue.stall)', 'undefined'),
		'test/surroundings/clock-and-speed',
	),
	fault(
		9,
		'what the log was created as is not compared',
		edit('log/log.ts', 'await requireIdentity(database, tables, identity);'),
		logTest,
	),
	fault(
		9,
		'a log opens with another key',
		edit(
			'store/identity-check.ts',
			'if (!equalBytes(stored.publicKey, configured.publicKey))',
			'if (stored.publicKey.length === 0)',
		),
		logTest,
	),
	fault(
		9,
		'entries get the time of a clock that went back',
		edit('time/head-time.ts', 'const timestampMs = Math.max(now, stored);', 'const timestampMs = now;'),
		logTest,
	),
	fault(
		9,
		'a clock that is far behind is accepted',
		edit('time/head-time.ts', 'if (leadMs <= maxClockLeadMs)', 'if (stored >= 0)'),
		logTest,
	),
	fault(
		9,
		'a clock that is ahead of the database moves the head',
		edit('time/server-clock.ts', 'if (database.sharesClock)', 'if (now > 0)'),
		'src/time/server-clock',
	),
	fault(
		9,
		'an accepted lead is accepted for ever',
		edit('time/head-time.ts', 'if (lead && now <= lead.headMs && leadMs', 'if (lead && leadMs'),
		'src/log/accept-lead',
	),
	fault(
		9,
		'the time of the tree head follows that of the entries back',
		edit('sequence/batch.ts', 'timestampMs: time.headMs }', 'timestampMs }'),
		'src/log/accept-lead',
	),
];
