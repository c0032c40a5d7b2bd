/**
 * Group commit for rows that do not depend on each other: rows that arrive while a statement runs share the next one, and
 * with it a round trip, a transaction and a flush of the disk. A single row is sent at once.
 */
import { isDataError } from './pg-errors.ts';

export interface GroupedInserts<Row> {
	/**
	 * Resolves when the row is committed.
	 * @throws {Error} the error of the statement. When the database refuses rows for their data, only those rows fail. Any other
	 * failure is that of all rows of the statement, which may or may not be stored, as with a statement of their own.
	 */
	insert(row: Row): Promise<void>;
}

/** More rows make a longer statement without making any of them cheaper. */
const MAX_ROWS = 256;

/**
 * Groups rows for `insertRows`, which writes them with one statement outside of any transaction. The number of waiting
 * rows is not limited here, but by the caller's concurrent requests.
 */
export function groupInserts<Row>(insertRows: (rows: readonly Row[]) => Promise<void>): GroupedInserts<Row> {
	const waiting: { readonly row: Row; readonly resolve: () => void; readonly reject: (error: unknown) => void }[] = [];
	let isWriting = false;

	/** A statement that is refused for its data is halved until only the refused row is left. */
	async function write(group: typeof waiting): Promise<void> {
		try {
			await insertRows(group.map(({ row }) => row));
		} catch (error) {
			if (group.length === 1 || !isDataError(error)) {
				for (const { reject } of group) reject(error);
				return;
			}
			const half = group.length >> 1;
			await write(group.slice(0, half));
			await write(group.slice(half));
			return;
		}
		for (const { resolve } of group) resolve();
	}

	async function drain(): Promise<void> {
		isWriting = true;
		while (waiting.length > 0) await write(waiting.splice(0, MAX_ROWS));
		isWriting = false;
	}

	return {
		insert: (row) =>
			new Promise((resolve, reject) => {
				waiting.push({ row, resolve, reject });
				if (!isWriting) void drain();
			}),
	};
}
