/**
 * The bounds of one log process. Every queue has one, and each bound says what happens at it.
 */

export interface LogLimits {
	/** Submissions that wait for an answer, repeats included; beyond it `overloaded`. */
	readonly maxWaiting: number;
	/** Bytes of the entries that wait; beyond it `overloaded`. */
	readonly maxWaitingBytes: number;
	/** Entries of one batch. More only makes each batch hold the head lock longer. */
	readonly maxBatchEntries: number;
	/** Bytes of leaves and extras of one batch; the rest goes into the next one. */
	readonly maxBatchBytes: number;
	/** A leaf beyond this is refused; undefined means what the entry bundle can hold. */
	readonly maxLeafBytes: number | undefined;
	/** Integrated entries that are not published yet; beyond it `unavailable`, because publication is what is broken. */
	readonly maxUnpublished: number;
	/** How long a submission waits; then `unavailable`, though the entry may have been stored. */
	readonly submitTimeoutMs: number;
	/** How long one signature may take; then the publication has failed, and is tried again. */
	readonly signTimeoutMs: number;
	/** How long the place of the mark may take for one answer; then it counts as away. */
	readonly markTimeoutMs: number;
	/** How far this process's clock may be from the database's; then `clock-skew`. */
	readonly maxClockSkewMs: number;
	/** How far the log's last time may be ahead of the clock; then `clock-lead`. */
	readonly maxClockLeadMs: number;
	/** An idle log signs its checkpoint again this often. Must be well within the MMD that a CT log promises. */
	readonly heartbeatMs: number;
	/** How old the published checkpoint in memory may be before a read looks whether another replica has a newer one. */
	readonly refreshMs: number;
}

export const DEFAULT_LIMITS: LogLimits = {
	maxWaiting: 8_192,
	maxWaitingBytes: 64 * 1024 * 1024,
	maxBatchEntries: 1_024,
	maxBatchBytes: 8 * 1024 * 1024,
	maxLeafBytes: undefined,
	maxUnpublished: 16_384,
	submitTimeoutMs: 10_000,
	signTimeoutMs: 5_000,
	markTimeoutMs: 5_000,
	maxClockSkewMs: 1_000,
	maxClockLeadMs: 1_000,
	heartbeatMs: 60_000,
	refreshMs: 1_000,
};
