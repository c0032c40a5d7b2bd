/**
 * Faults on purpose: for each invariant of the log engine, changes of the code that break it, and the tests that have to
 * notice. `npm run test:mutation` makes each of them in a copy and runs the tests; docs/faults.md is written from this table.
 */

export interface Edit {
	/** Relative to `packages/`. */
	readonly file: string;
	/** Stands in the file exactly once. */
	readonly search: string;
	readonly replace: string;
}

export interface Fault {
	/** Number of the invariant, as in INVARIANTS. */
	readonly invariant: number;
	/** What is wrong with the log then. */
	readonly name: string;
	readonly edits: readonly Edit[];
	/** Test files, relative to `packages/`, of which at least one test has to fail. */
	readonly tests: readonly string[];
}

/** What the log promises (docs/architecture.md, "The log engine"). */
export const INVARIANTS: readonly string[] = [
	'An acknowledged entry is durable and inside the tree of the published checkpoint that the answer carries.',
	'Two roots are never published for one size, nor a smaller size after a larger. What is signed was committed.',
	'Entries, full tiles and head become visible together. Nothing stored changes; nothing beyond the published size is served.',
	'A repeated submission gets its first index, time and receipt back, also across replicas and after a lost answer.',
	'The mark stands at a checkpoint before anyone sees it, and a database that does not contain the mark is not written to.',
	'An unknown COMMIT is no acknowledgement; servers that may lose what they acknowledged are refused.',
	'Every proof is checked against its checkpoint before it is sent.',
	'Overload and failures are refusals with Retry-After, never an unbounded queue; poison is refused alone.',
	'A log is what it was created as; a process that is configured otherwise does not open it. Its time never goes back.',
];

const src = 'tlog/src';
export const edit = (file: string, search: string, replace = ''): Edit => ({ file: `${src}/${file}`, search, replace });
export const fault = (invariant: number, name: string, edits: Edit | readonly Edit[], ...tests: string[]): Fault => ({
	invariant,
	name,
	edits: 'file' in edits ? [edits] : edits,
	tests: tests.map((test) => (test.startsWith('../') ? test.slice(3) : `tlog/${test}.test.ts`)),
});

export const guards = 'test/mutation/last-guards';
export const failures = 'test/failures';
export const logTest = 'test/log';
export const markCheck = 'src/mark/mark-check';
export const reads = 'src/read/reads';
export const queue = 'src/submit/submit-queue';

/** The changed files by name. Throws when what is to be changed does not stand there, or stands there twice. */
export function applyEdits(edits: readonly Edit[], read: (file: string) => string): Map<string, string> {
	const texts = new Map<string, string>();
	for (const { file, search, replace } of edits) {
		const text = texts.get(file) ?? read(file);
		const at = text.indexOf(search);
		if (at < 0 || text.indexOf(search, at + 1) >= 0)
			throw new Error(
				`${file} must hold exactly once: ${search}\nThe code has changed: change the table of faults too.`,
			);
		texts.set(file, text.slice(0, at) + replace + text.slice(at + search.length));
	}
	return texts;
}
