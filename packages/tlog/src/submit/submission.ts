/** A submission on its way through the steps: who waits for it, and what became of it under the head lock. */
import type { Admitted, NewEntry, ReceiptInput } from '../entry.ts';
import type { TlogError } from '../tlog-error.ts';

export interface Waiter {
	readonly duplicate: boolean;
	readonly resolve: (admitted: Admitted) => void;
	readonly reject: (error: TlogError) => void;
	readonly timer: NodeJS.Timeout;
}

export interface Submission {
	readonly key: string;
	readonly entry: NewEntry;
	readonly byteLength: number;
	readonly waiters: Set<Waiter>;
	/**
	 * Where an attempt tried to store it whose COMMIT had an unknown outcome, as long as nobody has looked under the lock
	 * since: found there, it is ours and not a repeat of somebody else's.
	 */
	attemptedIndex: number | undefined;
}

/** What a committed batch made of a submission. */
export type Outcome =
	| { readonly kind: 'new'; readonly entry: ReceiptInput }
	/** It was there before. No repeat when an earlier attempt of ours stored it, whose COMMIT had an unknown outcome. */
	| { readonly kind: 'stored'; readonly index: number; readonly isRepeat: boolean }
	| { readonly kind: 'refused'; readonly error: TlogError };
