/**
 * Series as data: each package declares what it measures in one list (`metrics.ts`), from which the registry is made, the
 * table of its README is printed, and the calls of `MetricsPort` get their types.
 *
 * A label takes its values from the program or its configuration, never from who calls: no identities, no paths.
 */

/** One series, or a family of them when it has labels. */
export interface Series {
	/** As Prometheus wants it: counters end in `_total`, times are `_seconds`. */
	readonly name: string;
	readonly kind: 'counter' | 'gauge' | 'histogram';
	readonly labels?: readonly string[];
	/** What is counted or measured: `seconds`, `bytes`, `requests`, ... */
	readonly unit: string;
	readonly help: string;
	/** What an operator asks that it answers. */
	readonly question: string;
	/** Upper bounds of a histogram. Default: from a millisecond to twenty seconds. */
	readonly buckets?: readonly number[];
}

type Named<Table extends readonly Series[], Kind extends Series['kind']> = Extract<
	Table[number],
	{ kind: Kind }
>['name'];

/** What must be said besides the value: nothing for a series without labels. */
type Labels<Table extends readonly Series[], Name extends string> =
	Extract<Table[number], { name: Name }> extends { labels: readonly (infer Label extends string)[] }
		? [labels: Readonly<Record<Label, string>>]
		: [];

/**
 * What a package measures with. It knows its own table only, and nothing of who collects. Without labels it is also the
 * port of the log engine.
 */
export interface MetricsPort<Table extends readonly Series[]> {
	/** Adds `by`, which is usually 1. */
	count<Name extends Named<Table, 'counter'>>(name: Name, by: number, ...labels: Labels<Table, Name>): void;
	gauge<Name extends Named<Table, 'gauge'>>(name: Name, value: number, ...labels: Labels<Table, Name>): void;
	observe<Name extends Named<Table, 'histogram'>>(name: Name, value: number, ...labels: Labels<Table, Name>): void;
	/** Runs `work` and observes its seconds, also when it fails. */
	time<Name extends Named<Table, 'histogram'>, T>(
		name: Name,
		work: () => Promise<T>,
		...labels: Labels<Table, Name>
	): Promise<T>;
}
