/**
 * Named points of the write path at which tests stop, fail or kill the process. In production all are absent.
 */

/** Each may throw, which is what a failure right there looks like. */
export interface BatchHooks {
	/** In the transaction, everything written, COMMIT not sent. */
	readonly beforeCommit?: Hook;
	/** COMMIT acknowledged, nothing in memory moved yet. */
	readonly afterCommit?: Hook;
	/** Head and receipts signed, nothing of it stored. */
	readonly afterSign?: Hook;
	/** In the publication's transaction, COMMIT not sent. */
	readonly beforePublish?: Hook;
	/** Publication committed, mark still at the previous one. */
	readonly afterPublish?: Hook;
	/** Mark advanced, nobody answered yet. */
	readonly afterMark?: Hook;
}

export type Hook = () => void | Promise<void>;
