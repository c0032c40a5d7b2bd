import { expect, it, vi } from 'vitest';
import { createMarkProbe } from './mark-probe.ts';

const POLLING = { timeout: 30_000 };

it('shows a place that cannot be written until it can, asking at intervals', async () => {
	let failure: Error | undefined;
	const probe = vi.fn(async () => {
		if (failure) throw failure;
	});
	const marks = createMarkProbe('a log', { read: async () => undefined, advance: async () => undefined, probe }, 5);
	expect(marks.health()).toEqual({ ok: true, detail: 'can be written' });
	const stop = new AbortController();
	const running = marks.job.run(stop.signal);
	failure = new Error('no space left on device');
	await vi.waitFor(() => expect(marks.health()).toEqual({ ok: false, detail: 'no space left on device' }), POLLING);
	failure = undefined;
	await vi.waitFor(() => expect(marks.health().ok).toBe(true), POLLING);
	stop.abort();
	await running;
	const asked = probe.mock.calls.length;
	await new Promise((resolve) => setTimeout(resolve, 30));
	expect(probe).toHaveBeenCalledTimes(asked);
});

it('has nothing to say about a place that cannot be probed', async () => {
	const marks = createMarkProbe('a log', { read: async () => undefined, advance: async () => undefined });
	await marks.look();
	expect(marks.health().ok).toBe(true);
});
