/** The only file that knows the library which collects series and prints them in the text format of Prometheus. */
import { AggregatorRegistry, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { Series } from './series.ts';

type LabelValues = Readonly<Record<string, string>>;
type Collector = Counter | Gauge | Histogram;

const BUCKETS_SECONDS = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20];

/** Series by name. A name that was not registered, or was registered as another kind, is a mistake of ours and throws. */
export class SeriesRegistry {
	readonly #registry = new Registry();
	readonly #collectors = new Map<string, Collector>();
	readonly #readers: (() => void)[] = [];

	/** `labels` stand on every series. */
	constructor(labels: LabelValues) {
		this.#registry.setDefaultLabels(labels);
	}

	get contentType(): string {
		return this.#registry.contentType;
	}

	/** @throws {Error} when a name is taken */
	register(table: readonly Series[], moreLabels: readonly string[] = []): void {
		for (const { name, kind, help, labels = [], buckets = BUCKETS_SECONDS } of table) {
			const options = { name, help, labelNames: [...moreLabels, ...labels], registers: [this.#registry] };
			if (kind === 'histogram') this.#collectors.set(name, new Histogram({ ...options, buckets: [...buckets] }));
			else this.#collectors.set(name, kind === 'counter' ? new Counter(options) : new Gauge(options));
		}
	}

	/** Called before each print, to set what is read rather than counted. */
	onPrint(read: () => void): void {
		this.#readers.push(read);
	}

	count(name: string, by: number, labels: LabelValues = {}): void {
		const collector = this.#collectors.get(name);
		if (!(collector instanceof Counter)) throw new Error(`${name} is no counter here`);
		collector.inc(labels, by);
	}

	/** Sets a counter that somebody else counts. */
	setCount(name: string, total: number): void {
		const collector = this.#collectors.get(name);
		if (!(collector instanceof Counter)) throw new Error(`${name} is no counter here`);
		collector.reset();
		collector.inc(total);
	}

	gauge(name: string, value: number, labels: LabelValues = {}): void {
		const collector = this.#collectors.get(name);
		if (!(collector instanceof Gauge)) throw new Error(`${name} is no gauge here`);
		collector.set(labels, value);
	}

	observe(name: string, value: number, labels: LabelValues = {}): void {
		const collector = this.#collectors.get(name);
		if (!(collector instanceof Histogram)) throw new Error(`${name} is no histogram here`);
		collector.observe(labels, value);
	}

	/** Everything, in the text format. */
	async print(): Promise<string> {
		for (const read of this.#readers) read();
		return this.#registry.metrics();
	}

	/** Everything, to be sent to another process. */
	async snapshot(): Promise<SeriesSnapshot> {
		for (const read of this.#readers) read();
		return this.#registry.getMetricsAsJSON();
	}
}

/** What a registry holds at a moment; survives `structuredClone` and JSON. */
export type SeriesSnapshot = Awaited<ReturnType<Registry['getMetricsAsJSON']>>;

/** Several snapshots as one text. Their labels tell them apart, so nothing is added up. */
export function printSnapshots(snapshots: readonly SeriesSnapshot[]): Promise<string> {
	return AggregatorRegistry.aggregate([...snapshots]).metrics();
}
