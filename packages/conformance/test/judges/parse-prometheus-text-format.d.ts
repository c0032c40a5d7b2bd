/** The package brings no types. Throws for lines that are none of the format. */
declare module 'parse-prometheus-text-format' {
	interface Metric {
		/** Absent where there are none. */
		readonly labels?: Readonly<Record<string, string>>;
	}
	interface Family {
		readonly name: string;
		readonly help: string;
		/** In capitals. */
		readonly type: string;
		readonly metrics: readonly Metric[];
	}
	export default function parse(text: string): Family[];
}
