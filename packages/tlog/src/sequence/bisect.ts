/**
 * Finds the entries that make a batch fail. Some poison only the database recognises (a text with NUL, a value beyond the
 * limit of an index), and it refuses the whole statement without naming a row.
 */

/**
 * Runs `work` on the items; when it fails and `isPoison` says that the data is to blame, runs it on each half in turn, down
 * to single items, which go to `refuse`. Keeps the order. N items with one culprit cost about 2 log2(N) runs.
 * Rethrows every other failure.
 */
export async function bisect<T>(
	items: readonly T[],
	options: {
		work: (items: readonly T[]) => Promise<void>;
		isPoison: (error: unknown) => boolean;
		refuse: (item: T, error: unknown) => void;
	},
): Promise<void> {
	try {
		await options.work(items);
	} catch (error) {
		if (!options.isPoison(error)) throw error;
		const [only] = items;
		if (items.length === 1 && only !== undefined) {
			options.refuse(only, error);
			return;
		}
		const middle = Math.ceil(items.length / 2);
		await bisect(items.slice(0, middle), options);
		await bisect(items.slice(middle), options);
	}
}
