/** What a page costs: bytes over the wire, requests, and the time until it can be used. Printed; times are not judged. */
import { launchChromium } from '@chancery/testkit/browser/chromium';
import type { BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type OpenWorld, openWorld } from './companies.ts';
import { beginAt } from './scenes.ts';

const RUNS = 9;
/** Of a page that is opened for the first time, without what it shows for its owner. */
const MAX_FIRST_BYTES = 96 * 1024;
/** Of the page itself: what a browser has after one round trip of a new connection (ten segments, RFC 6928). */
const MAX_DOCUMENT_BYTES = 14 * 1024;

/** Script of the test, as text: milliseconds since the navigation began, and how much of the page has moved. */
const TIMES = `new Promise((resolve) => {
	const [navigation] = performance.getEntriesByType('navigation');
	const [paint] = performance.getEntriesByName('first-contentful-paint');
	new PerformanceObserver((list) => resolve({
		interactive: navigation.domInteractive, load: navigation.loadEventEnd, paint: paint?.startTime,
		moved: list.getEntries().filter(({ entryType }) => entryType === 'layout-shift').reduce((sum, { value }) => sum + value, 0),
	})).observe({ type: 'layout-shift', buffered: true });
	setTimeout(() => resolve({
		interactive: navigation.domInteractive, load: navigation.loadEventEnd, paint: paint?.startTime, moved: 0,
	}), 300);
})`;

interface Cost {
	readonly bytes: number;
	readonly documentBytes: number;
	readonly requests: number;
	readonly interactive: number;
	readonly load: number;
	readonly paint: number;
	readonly moved: number;
}

let world: OpenWorld;
let chromium: Awaited<ReturnType<typeof launchChromium>>;

beforeAll(async () => {
	[world, chromium] = await Promise.all([openWorld(), launchChromium()]);
});
afterAll(async () => {
	await chromium?.close();
	await world?.close();
});

/** Opens `address` and counts what came, redirects included. */
async function costOf(context: BrowserContext, address: string): Promise<Cost> {
	const page: Page = await context.newPage();
	const devtools = await context.newCDPSession(page);
	await devtools.send('Network.enable');
	const sizes: number[] = [];
	let documentBytes = 0;
	const kinds = new Map<string, string>();
	devtools.on('Network.responseReceived', ({ requestId, type, response }) => {
		// What comes out of the browser's own cache is not over the wire.
		kinds.set(requestId, response.fromDiskCache ? 'Cached' : type);
	});
	devtools.on('Network.loadingFinished', ({ requestId, encodedDataLength }) => {
		const kind = kinds.get(requestId);
		if (kind === undefined || kind === 'Cached') return;
		sizes.push(encodedDataLength);
		if (kind === 'Document') documentBytes = encodedDataLength;
	});
	await page.goto(address, { waitUntil: 'networkidle' });
	const times = await page.evaluate<Omit<Cost, 'bytes' | 'documentBytes' | 'requests'>>(TIMES);
	await page.close();
	return { bytes: sizes.reduce((sum, size) => sum + size, 0), documentBytes, requests: sizes.length, ...times };
}

function median(costs: readonly Cost[], of: keyof Cost): number {
	const sorted = costs.map((cost) => cost[of]).sort((a, b) => a - b);
	return Math.round(sorted[Math.floor(sorted.length / 2)] ?? 0);
}

const inWords = (costs: readonly Cost[]) =>
	`${median(costs, 'bytes')} bytes (the page itself ${median(costs, 'documentBytes')}), ${median(costs, 'requests')} requests; median of ${costs.length}: first paint ${median(costs, 'paint')} ms, interactive ${median(costs, 'interactive')} ms, loaded ${median(costs, 'load')} ms`;

describe('what a page costs', () => {
	it.each(['development', 'company'] as const)('the login page of the instance "%s"', async (which) => {
		const first: Cost[] = [];
		const again: Cost[] = [];
		for (let run = 0; run < RUNS; run++) {
			const context = await chromium.newContext();
			first.push(await costOf(context, beginAt(world[which])));
			again.push(await costOf(context, beginAt(world[which])));
			await context.close();
		}
		console.log(`login page, ${which}, first time: ${inWords(first)}`);
		console.log(`login page, ${which}, again: ${inWords(again)}`);
		for (const { bytes, documentBytes, moved } of first) {
			expect(bytes).toBeLessThan(MAX_FIRST_BYTES);
			expect(documentBytes).toBeLessThan(MAX_DOCUMENT_BYTES);
			expect(moved).toBe(0);
		}
		for (const { bytes, documentBytes } of again) expect(bytes).toBe(documentBytes);
	});
});
