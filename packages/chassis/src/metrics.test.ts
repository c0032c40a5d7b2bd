import type { Signer } from '@chancery/keys/signer';
import { describe, expect, it } from 'vitest';
import { createMetrics } from './metrics.ts';
import type { Series } from './series.ts';

const SERIES = [
	{
		name: 'seals_total',
		kind: 'counter',
		labels: ['wax'],
		unit: 'seals',
		help: 'Seals that were made',
		question: 'How much?',
	},
	{ name: 'rolls', kind: 'gauge', unit: 'rolls', help: 'Rolls on the shelf', question: 'How much?' },
	{
		name: 'sealing_duration_seconds',
		kind: 'histogram',
		unit: 'seconds',
		help: 'Time of a seal',
		question: 'How much?',
		buckets: [1, 2],
	},
] as const satisfies readonly Series[];

const ENGINE = [
	{ name: 'batches_total', kind: 'counter', unit: 'batches', help: 'Batches', question: 'How much?' },
	{ name: 'queued', kind: 'gauge', unit: 'entries', help: 'Entries that wait', question: 'How much?' },
	{
		name: 'batch_duration_seconds',
		kind: 'histogram',
		unit: 'seconds',
		help: 'Time of a batch',
		question: 'How much?',
	},
] as const satisfies readonly Series[];

const samples = async (metrics: { print(): Promise<string> }, word: string) =>
	(await metrics.print()).split('\n').filter((line) => line.includes(word) && !line.startsWith('#'));

describe('the series of a service', () => {
	it('are counted, set and observed by name and labels', async () => {
		const metrics = createMetrics('svc', { series: SERIES });
		metrics.count('seals_total', 2, { wax: 'red' });
		metrics.count('seals_total', 1, { wax: 'red' });
		metrics.gauge('rolls', 7);
		metrics.observe('sealing_duration_seconds', 1.5);
		expect(await samples(metrics, 'seal')).toEqual([
			'seals_total{wax="red",service="svc"} 3',
			'sealing_duration_seconds_bucket{le="1",service="svc"} 0',
			'sealing_duration_seconds_bucket{le="2",service="svc"} 1',
			'sealing_duration_seconds_bucket{le="+Inf",service="svc"} 1',
			'sealing_duration_seconds_sum{service="svc"} 1.5',
			'sealing_duration_seconds_count{service="svc"} 1',
		]);
		expect(await samples(metrics, 'rolls')).toEqual(['rolls{service="svc"} 7']);
	});

	it('cannot be named wrongly: what the table has not does not compile, and throws', () => {
		const metrics = createMetrics('svc', { series: SERIES });
		// @ts-expect-error no such series
		expect(() => metrics.count('seal_total', 1)).toThrow('seal_total is no counter here');
		// @ts-expect-error another kind
		expect(() => metrics.count('rolls', 1)).toThrow('rolls is no counter here');
		// @ts-expect-error another label
		expect(() => metrics.count('seals_total', 1, { colour: 'red' })).toThrow('label');
	});

	it('may be read when they are asked for', async () => {
		const metrics = createMetrics('svc', { series: SERIES });
		let rolls = 1;
		metrics.onPrint(() => metrics.gauge('rolls', rolls));
		rolls = 2;
		expect(await samples(metrics, 'rolls')).toEqual(['rolls{service="svc"} 2']);
	});

	it('time work whatever comes of it, and pass on what comes', async () => {
		const metrics = createMetrics('svc', { series: SERIES });
		expect(await metrics.time('sealing_duration_seconds', async () => 'sealed')).toBe('sealed');
		const failing = metrics.time('sealing_duration_seconds', () => Promise.reject(new Error('no wax')));
		await expect(failing).rejects.toThrow('no wax');
		expect(await samples(metrics, 'seconds_count')).toContain('sealing_duration_seconds_count{service="svc"} 2');
	});
});

describe('the port of a log engine', () => {
	it('labels the series of each log, which share one table', async () => {
		const metrics = createMetrics('svc');
		const [first, second] = [metrics.ofLog(ENGINE, 'first'), metrics.ofLog(ENGINE, 'second')];
		first.count('batches_total');
		first.count('batches_total', 2);
		second.count('batches_total');
		second.gauge('queued', 5);
		first.observe('batch_duration_seconds', 0.002);
		expect(await samples(metrics, 'batches_total')).toEqual([
			'batches_total{log="first",service="svc"} 3',
			'batches_total{log="second",service="svc"} 1',
		]);
		expect(await samples(metrics, 'queued')).toEqual(['queued{log="second",service="svc"} 5']);
		expect(await samples(metrics, 'batch_duration_seconds_count')).toEqual([
			'batch_duration_seconds_count{service="svc",log="first"} 1',
		]);
	});

	it('must not take the names of the service', () => {
		const metrics = createMetrics('svc', { series: SERIES });
		expect(() => metrics.ofLog(SERIES, 'first')).toThrow('already been registered');
	});
});

describe('the signers of a service', () => {
	const signer = (sign: Signer['sign']): Signer => ({ algorithm: 'ed25519', publicKey: new Uint8Array(1), sign });

	it('are the same signers, each timed under its name, and their failures counted from none on', async () => {
		const metrics = createMetrics('svc');
		const { good, bad } = metrics.ofSigners({
			good: signer(async (message) => message),
			bad: signer(() => Promise.reject(new Error('the token is away'))),
		});
		expect(await good.sign(new Uint8Array([7]))).toEqual(new Uint8Array([7]));
		expect([good.algorithm, good.publicKey]).toEqual(['ed25519', new Uint8Array(1)]);
		await expect(bad.sign(new Uint8Array())).rejects.toThrow('the token is away');
		expect(await samples(metrics, 'signer_failures')).toEqual([
			'signer_failures_total{key="good",service="svc"} 0',
			'signer_failures_total{key="bad",service="svc"} 1',
		]);
		expect(await samples(metrics, 'duration_seconds_count')).toEqual([
			'signer_duration_seconds_count{service="svc",key="good"} 1',
			'signer_duration_seconds_count{service="svc",key="bad"} 1',
		]);
	});
});

describe('what the chassis reads', () => {
	it('is how the pool of the database is used', async () => {
		const metrics = createMetrics('svc', {
			database: { connections: () => ({ inUse: 3, idle: 2, waiting: 1, max: 5, failures: 6 }) },
		});
		expect(await samples(metrics, 'database_')).toEqual([
			'database_connections_in_use{service="svc"} 3',
			'database_connections_idle{service="svc"} 2',
			'database_requests_waiting{service="svc"} 1',
			'database_connections_max{service="svc"} 5',
			'database_connection_failures_total{service="svc"} 6',
		]);
	});

	it('is how much work the signature checks have', async () => {
		const status = { queuedMs: 1500, refused: 4, backend: 'noble', threads: 2, lostThreads: 1, lastLoss: 'x' } as const;
		const metrics = createMetrics('svc', { checks: { status: () => status } });
		await metrics.print();
		expect(await samples(metrics, 'signature_check')).toEqual([
			'signature_checks_waiting_seconds{service="svc"} 1.5',
			'signature_checks_refused_total{service="svc"} 4',
			'signature_check_threads{service="svc"} 2',
			'signature_check_threads_lost_total{service="svc"} 1',
		]);
	});
});
