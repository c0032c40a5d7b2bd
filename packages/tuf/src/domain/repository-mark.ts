/**
 * Compares the stored repository with its mark, and decides what may be served and whether anything may be published.
 *
 * A database that was rolled back would use versions a second time, and clients that saw the first ones would refuse them
 * forever. So every file that the mark names must exist, byte for byte. This is checked before each publication, again in its
 * transaction, each minute, and whenever a read finds a version that this process has not marked. After COMMIT the mark
 * advances, and only what it covers is served. A crash between the two leaves files that nobody has seen, and the next
 * comparison marks them.
 */
import { DomainError } from '@chancery/chassis/domain-error';
import { toHex } from '@chancery/core/bytes';
import {
	type AdoptableMarkStore,
	type Mark,
	MarkError,
	MarkInUseError,
	preventsStart,
} from '@chancery/postgres/mark/mark';
import type { Database, Sql } from '@chancery/postgres/sql';
import { claimMarkHolder, markHolder, SHARED_HOLDER } from '../store/mark-holder.ts';
import { metadataHash, newestFiles } from '../store/metadata.ts';
import { type Adoption, type AdoptionOrder, adoptRepository } from './adopt-repository.ts';
import { markOf, type PublishedVersion, type PublishedVersions, sumOf, versionsIn } from './published-versions.ts';

/**
 * `rolled-back`, `forked`, `foreign`: the database is not the one that was published from, and nothing of it is served.
 * `missing`, `unreadable`, `displaced`: unknown; files that are already signed are served, nothing is published.
 */
export type MarkProblem = 'rolled-back' | 'forked' | 'foreign' | 'missing' | 'unreadable' | 'displaced';

const UNSERVABLE: ReadonlySet<MarkProblem> = new Set(['rolled-back', 'forked', 'foreign']);
const RETRY_AFTER_SECONDS = 30;
/** When the mark's place is down, its error takes seconds; without a limit every read would wait for it again. */
const FAILURE_STANDS_MS = 2_000;
const WAY_ON: Readonly<Record<MarkProblem, string>> = {
	'rolled-back': 'connect the newest database, or adopt this one (`adopt-repository`)',
	forked: 'connect the database that was published from, or adopt this one (`adopt-repository`)',
	foreign: 'connect the database that belongs to this mark, or this mark to another place',
	missing: 'bring the mark back, or adopt the repository as it is (`adopt-repository`)',
	unreadable: 'make its place work again; the service goes on by itself',
	displaced:
		'several replicas need a mark that they share; after a move of the mark, adopt the repository (`adopt-repository`)',
};

const NOTHING: PublishedVersions = new Map();

export class RepositoryMark {
	readonly #place: AdoptableMarkStore;
	readonly #database: Database;
	/** Base URL of the repository, for messages. */
	readonly #origin: string;
	/** What this process has read from the mark or written to it. */
	#known: PublishedVersions = NOTHING;
	#wasCompared = false;
	#comparing: Promise<void> | undefined;
	#problem: { readonly kind: MarkProblem; readonly detail: string } | undefined;

	constructor(place: AdoptableMarkStore, database: Database, origin: string) {
		this.#place = place;
		this.#database = database;
		this.#origin = origin;
	}

	/**
	 * @throws {MarkInUseError} while another host has the mark, {MarkPlaceError} when its place can keep none. The comparison
	 * reports all other faults of the mark.
	 */
	async open(): Promise<void> {
		try {
			await this.#place.read();
		} catch (error) {
			if (preventsStart(error) || !(error instanceof MarkError)) throw error;
		}
	}

	async close(): Promise<void> {
		await this.#place.close?.();
	}

	/** What is wrong, as the last comparison found. */
	get problem(): string | undefined {
		return this.#problem && `${this.#problem.kind}: ${this.#problem.detail}`;
	}

	/**
	 * The complete comparison. Afterwards the mark covers everything that is published. Clears an earlier problem that is solved.
	 * @throws {DomainError} `repository-read-only` when the database and the mark do not agree
	 */
	async compare(): Promise<void> {
		const { stored, marked, versions, firstRoot, holder, own } = await this.judge();
		if (firstRoot) {
			// The mark before its holder: after a crash between the two, the next comparison finds a matching mark.
			if (!stored || sumOf(versions) > sumOf(marked)) await this.#advance(markOf(this.#origin, firstRoot, versions));
			if (holder === undefined) await claimMarkHolder(this.#database, own);
			if (sumOf(versions) > sumOf(this.#known)) this.#known = versions;
		}
		this.#problem = undefined;
		this.#wasCompared = true;
		this.#comparing = undefined;
	}

	/**
	 * The comparison alone: changes neither the mark nor the database.
	 * @throws {DomainError} as `compare`
	 */
	async judge() {
		// Reads the mark first: what it states was committed before.
		const stored = await this.#read();
		const versions = await this.#newest();
		const holder = await markHolder(this.#database);
		const firstRoot = await metadataHash(this.#database, 'root', 1);
		const marked = stored ? this.#versionsIn(stored) : NOTHING;
		// The mark's place may have gone back as well, but this process knows what it has written.
		const reached = sumOf(marked) >= sumOf(this.#known) ? marked : this.#known;

		// A repository that has published nothing has promised nothing. One of a version without marks has no holder yet: its
		// content is accepted as true, once.
		if (!stored && (holder !== undefined || this.#known.size > 0))
			throw this.#refuse('missing', `there is no mark beside a repository that had one (${describe(versions)})`);
		if (stored && firstRoot && toHex(stored.keyId) !== toHex(firstRoot))
			throw this.#refuse(
				'foreign',
				`the mark belongs to the repository ${stored.origin} whose first root has SHA-256 ${toHex(stored.keyId)}; here it is ${toHex(firstRoot)}`,
			);
		await this.#requireContains(this.#database, reached);
		const own = (await this.#holder()) ?? SHARED_HOLDER;
		if (holder !== undefined && holder !== own)
			throw this.#refuse('displaced', `the repository belongs to the mark ${holder}, ours is ${own}`);
		return { stored, marked, versions, firstRoot, holder, own };
	}

	/**
	 * Accepts an operator's statement that the database is the true repository; see adopt-repository.ts. Other replicas continue
	 * to refuse until they are restarted.
	 * @throws {DomainError} `wrong-version`, `no-root`, `seen-unknown`, `repository-read-only`; `unavailable` while other processes
	 * of this host have the repository open
	 */
	async adopt(order: Pick<AdoptionOrder, 'expect' | 'stated' | 'reason'>): Promise<Adoption> {
		let adoption: Adoption;
		try {
			const place = { database: this.#database, mark: this.#place, origin: this.#origin, known: this.#known };
			adoption = await adoptRepository({ ...place, ...order });
		} catch (cause) {
			if (cause instanceof MarkInUseError)
				throw new DomainError('unavailable', cause.message, { retryAfterSeconds: RETRY_AFTER_SECONDS, cause });
			throw cause instanceof MarkError ? this.#unreadable(cause) : cause;
		}
		this.#known = adoption.adopted;
		await this.compare();
		return adoption;
	}

	/**
	 * For a transaction that publishes: its server must have everything that was published.
	 * @throws {DomainError} `repository-read-only` when it does not
	 */
	requireContained(sql: Sql): Promise<void> {
		return this.#requireContains(sql, this.#known);
	}

	/**
	 * The newest version of a role that may be served; undefined when none may. A read that has met a newer one gives it
	 * as `met`: another replica may have marked it in the meantime.
	 * @throws {DomainError} `repository-read-only` when this is not the database that was published from
	 */
	async served(role: string, met?: number): Promise<PublishedVersion | undefined> {
		const isBeyond = met !== undefined && met > (this.#known.get(role)?.version ?? 0);
		if (!this.#wasCompared || !this.isServable || isBeyond)
			await this.compareOnce().catch((error: unknown) => {
				if (!this.isServable || !(error instanceof DomainError)) throw error;
			});
		// Without a mark, it is unknown what was shown. Serving signed files states nothing new, as in a log.
		return this.#wasCompared ? this.#known.get(role) : (await this.#newest()).get(role);
	}

	/**
	 * For reads: while the mark is slow or down, one comparison is used for all reads of some seconds.
	 * @throws {DomainError} `repository-read-only` when nothing may be served
	 */
	compareOnce(): Promise<void> {
		if (!this.#comparing) {
			const comparing = this.compare();
			this.#comparing = comparing;
			const forget = () => {
				if (this.#comparing === comparing) this.#comparing = undefined;
			};
			comparing.then(forget, () => setTimeout(forget, FAILURE_STANDS_MS).unref());
		}
		return this.#comparing;
	}

	/** Whether what is published may be served, as far as the last comparison shows. */
	get isServable(): boolean {
		return this.#problem === undefined || !UNSERVABLE.has(this.#problem.kind);
	}

	async #newest(): Promise<PublishedVersions> {
		const files = await newestFiles(this.#database);
		return new Map(files.map(({ role, version, sha256 }) => [role, { version, sha256: toHex(sha256) }]));
	}

	async #requireContains(sql: Sql, reached: PublishedVersions): Promise<void> {
		for (const [role, { version, sha256 }] of reached) {
			const found = await metadataHash(sql, role, version);
			if (!found)
				throw this.#refuse(
					'rolled-back',
					`${describe(reached)} were published, and the database does not hold ${role} ${version}: a restored backup or a stale standby`,
				);
			if (toHex(found) !== sha256)
				throw this.#refuse(
					'forked',
					`${role} ${version} was published with SHA-256 ${sha256}; in the database it has ${toHex(found)}`,
				);
		}
	}

	async #read(): Promise<Mark | undefined> {
		try {
			return await this.#place.read();
		} catch (cause) {
			throw this.#unreadable(cause);
		}
	}

	#versionsIn(mark: Mark): PublishedVersions {
		try {
			return versionsIn(mark);
		} catch (cause) {
			throw this.#unreadable(cause);
		}
	}

	async #holder(): Promise<string | undefined> {
		try {
			return await this.#place.holder?.();
		} catch (cause) {
			throw this.#unreadable(cause);
		}
	}

	async #advance(mark: Mark): Promise<void> {
		try {
			await this.#place.advance(mark);
		} catch (cause) {
			throw this.#unreadable(cause);
		}
	}

	#unreadable(cause: unknown): DomainError {
		if (!(cause instanceof MarkError)) throw cause;
		return this.#refuse('unreadable', cause.message, cause);
	}

	#refuse(kind: MarkProblem, detail: string, cause?: unknown): DomainError {
		this.#problem = { kind, detail: `${detail}; ${WAY_ON[kind]}` };
		return new DomainError('repository-read-only', this.problem!, { retryAfterSeconds: RETRY_AFTER_SECONDS, cause });
	}
}

function describe(versions: PublishedVersions): string {
	return [...versions].map(([role, { version }]) => `${role} ${version}`).join(', ');
}
