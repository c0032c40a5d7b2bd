/** What an audit has found wrong: where, and what was expected there and found. Bounded, because a log may be all wrong. */

export interface Finding {
	/** `entry 1234`, `tile/1/x001/234`, `checkpoint`, `root`, ... */
	readonly where: string;
	readonly problem: string;
}

const MAX_KEPT = 1000;

export class Findings {
	readonly kept: Finding[] = [];
	#count = 0;

	add(where: string, problem: string): void {
		this.#count += 1;
		if (this.kept.length < MAX_KEPT) this.kept.push({ where, problem });
	}

	get count(): number {
		return this.#count;
	}
}

/** The result for one log. */
export interface AuditReport {
	readonly origin: string;
	/** Entries under the signed checkpoint; undefined when there is no checkpoint that can be believed. */
	readonly size: number | undefined;
	/** Hexadecimal. */
	readonly root: string | undefined;
	/** The first thousand. */
	readonly findings: readonly Finding[];
	/** All of them. */
	readonly count: number;
}
