/** Searches places for secrets. Everything found is a leak, unless an exception allows that secret in that place. */
import type { Secret } from './encodings.ts';
import type { SearchedPlace } from './searched-places.ts';
import { type Finding, Searcher } from './searcher.ts';

/** A place whose purpose is to store or to give out a secret. An exception that nothing needs is a mistake, and fails too. */
export interface Exception {
	readonly secret: RegExp;
	readonly place: RegExp;
	readonly because: string;
}

export interface Leak extends Finding {
	readonly place: string;
}

export interface SearchResult {
	readonly leaks: readonly Leak[];
	readonly unneeded: readonly Exception[];
	/** Places that were searched, and bytes. */
	readonly places: readonly string[];
	readonly bytes: number;
}

/** The search ends after so many leaks: the suite fails anyway, and more would only take time. */
const ENOUGH_LEAKS = 5_000;

export async function findLeaks(
	secrets: readonly Secret[],
	searchedPlaces: AsyncIterable<SearchedPlace> | Iterable<SearchedPlace>,
	exceptions: readonly Exception[],
): Promise<SearchResult> {
	const searcher = new Searcher(secrets);
	const leaks: Leak[] = [];
	const needed = new Set<Exception>();
	const places: string[] = [];
	let length = 0;
	for await (const { place, bytes, isDeep } of searchedPlaces) {
		if (leaks.length > ENOUGH_LEAKS) break;
		places.push(place);
		length += bytes.length;
		for (const finding of isDeep ? searcher.searchDeeply(bytes) : searcher.search(bytes)) {
			const exception = exceptions.find((one) => one.secret.test(finding.secret) && one.place.test(place));
			if (exception) needed.add(exception);
			else leaks.push({ place, ...finding });
		}
	}
	return { leaks, unneeded: exceptions.filter((one) => !needed.has(one)), places, bytes: length };
}

/** One line for each place, with all kinds of secret that were found there and one of the findings. */
export function summaryOf(leaks: readonly Leak[]): string[] {
	return [...Map.groupBy(leaks, ({ place }) => place)].map(([place, found]) => {
		const kinds = new Set(found.map(({ secret }) => secret.replace(/ \(\d+\)$/, '')));
		const [first] = found;
		return `${place}: ${[...kinds].join(', ')}; as ${first?.encoding} in: ${first?.around}`;
	});
}
