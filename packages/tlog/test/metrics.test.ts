/** What the engine counts of its own work, and that every series of the table is one of those. */
import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { ENGINE_SERIES, type EngineMetrics, type EngineSeries } from '../src/engine-metrics.ts';
import { createWorld, textEntry, type World } from './log-world.ts';

class Recorded implements EngineMetrics {
	readonly counts = new Map<string, number>();
	readonly gauges = new Map<string, number>();
	readonly observed = new Map<string, number[]>();

	count(name: string, by = 1): void {
		this.counts.set(name, (this.counts.get(name) ?? 0) + by);
	}

	gauge(name: string, value: number): void {
		this.gauges.set(name, value);
	}

	observe(name: string, value: number): void {
		this.observed.set(name, [...(this.observed.get(name) ?? []), value]);
	}

	of(name: EngineSeries['name']): number {
		return this.counts.get(name) ?? 0;
	}
}

let world: World;
let metrics: Recorded;
beforeEach(async () => {
	world = await createWorld();
	metrics = new Recorded();
});
afterEach(() => world.end());

it('counts batches, entries and repeats, and measures what it does', async () => {
	const { log } = await world.open({ metrics });
	await Promise.all(['a', 'b', 'c', 'a'].map((text) => log.submit(textEntry(text))));
	await log.submit(textEntry('b'));
	expect(metrics.of('chancery_log_entries_total')).toBe(3);
	// One that joined the first in the queue, and one that the database knew.
	expect(metrics.of('chancery_log_duplicates_total')).toBe(2);
	expect(metrics.of('chancery_log_batches_total')).toBe(2);
	expect(metrics.observed.get('chancery_log_batch_entries')).toEqual([3, 0]);
	expect(metrics.observed.get('chancery_log_batch_seconds')).toHaveLength(2);
	// That of the empty log at its start, and that of the entries.
	expect(metrics.of('chancery_log_publications_total')).toBe(2);
	for (const seconds of metrics.observed.get('chancery_log_publication_seconds')!) {
		expect(seconds).toBeGreaterThan(0);
		expect(seconds).toBeLessThan(60);
	}
	expect(metrics.of('chancery_log_batch_failures_total')).toBe(0);
	expect(metrics.of('chancery_log_publication_failures_total')).toBe(0);
});

it('shows where the log stands whenever it looks after itself', async () => {
	const { log } = await world.open({ metrics, limits: { heartbeatMs: 200 } });
	expect(metrics.gauges.get('chancery_log_published_entries')).toBe(0);
	expect(metrics.gauges.get('chancery_log_writable')).toBe(1);
	await log.submit(textEntry('a'));
	const stop = new AbortController();
	const running = log.heartbeat.run(stop.signal);
	await expect.poll(() => metrics.gauges.get('chancery_log_published_entries'), { timeout: 10_000 }).toBe(1);
	expect(metrics.gauges.get('chancery_log_waiting_submissions')).toBe(0);
	expect(metrics.gauges.get('chancery_log_unpublished_entries')).toBe(0);
	expect(metrics.gauges.get('chancery_log_integrated_entries')).toBe(1);
	expect(metrics.gauges.get('chancery_log_mark_entries')).toBe(1);
	const markedAtSeconds = metrics.gauges.get('chancery_log_mark_write_timestamp_seconds')!;
	expect(Math.abs(markedAtSeconds - Date.now() / 1000)).toBeLessThan(60);
	const publishedAtSeconds = metrics.gauges.get('chancery_log_published_timestamp_seconds')!;
	expect(Math.abs(publishedAtSeconds - Date.now() / 1000)).toBeLessThan(60);
	const failingFromSeconds = Date.now() / 1000;
	world.mark.failing = 'the place of the mark is away';
	await expect.poll(() => metrics.gauges.get('chancery_log_writable'), { timeout: 10_000 }).toBe(0);
	expect(metrics.of('chancery_log_mark_failures_total')).toBeGreaterThan(0);
	expect(metrics.of('chancery_log_publication_failures_total')).toBeGreaterThan(0);
	expect(metrics.gauges.get('chancery_log_mark_write_timestamp_seconds')).toBeLessThan(failingFromSeconds);
	world.mark.failing = undefined;
	await expect.poll(() => metrics.gauges.get('chancery_log_writable'), { timeout: 10_000 }).toBe(1);
	stop.abort();
	await running;
});

it('counts what is refused for overload, and attempts that failed', async () => {
	let fail = true;
	const beforeCommit = () => {
		if (!fail) return;
		fail = false;
		throw Object.assign(new Error('deadlock'), { code: '40P01', severity: 'ERROR' });
	};
	const { log } = await world.open({ metrics, limits: { maxWaiting: 1 }, hooks: { beforeCommit } });
	const first = log.submit(textEntry('a'));
	await expect(log.submit(textEntry('b'))).rejects.toMatchObject({ code: 'overloaded' });
	await first;
	expect(metrics.of('chancery_log_overloads_total')).toBe(1);
	expect(metrics.of('chancery_log_batch_failures_total')).toBe(1);
	expect(metrics.of('chancery_log_entries_total')).toBe(1);
});

it('has a table in which each series says what it is, once', () => {
	const names = ENGINE_SERIES.map(({ name }) => name);
	expect(new Set(names).size).toBe(names.length);
	for (const { name, kind, unit, help, buckets } of ENGINE_SERIES) {
		expect(name).toMatch(/^chancery_log_[a-z_]+[a-z]$/);
		expect([name, name.endsWith('_total')]).toEqual([name, kind === 'counter']);
		expect([name, name.endsWith('_seconds')]).toEqual([name, unit === 'seconds']);
		expect(help.length).toBeGreaterThan(20);
		expect(buckets ?? []).toEqual((buckets ?? []).toSorted((a, b) => a - b));
		expect(buckets !== undefined).toBe(kind === 'histogram');
	}
});

it('has its table in the README', () => {
	const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
	const rows = readme
		.split('\n')
		.filter((line) => line.startsWith('| `chancery_log_'))
		.map((line) => line.split('|').map((cell) => cell.trim()));
	expect(rows).toEqual(ENGINE_SERIES.map(({ name, kind, unit, help }) => ['', `\`${name}\``, kind, unit, help, '']));
});
