import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { parseSigningConfig, type ServiceUrl, SIGNING_CONFIG_MEDIA_TYPE, selectService } from './signing-config.ts';

const NOW = Date.parse('2026-03-01T00:00:00Z');
const START = '2026-01-01T00:00:00Z';
const SERVICE = { url: 'https://ca.test', majorApiVersion: 1, validFor: { start: START }, operator: 'test' };
const CONFIG = {
	mediaType: SIGNING_CONFIG_MEDIA_TYPE,
	caUrls: [SERVICE],
	rekorTlogUrls: [SERVICE],
	rekorTlogConfig: { selector: 'ANY' },
};

describe('a signing configuration', () => {
	it('is read with what is absent as absent', () => {
		expect(parseSigningConfig({ ...CONFIG, tsaConfig: null })).toEqual({
			...CONFIG,
			caUrls: [{ ...SERVICE, validFor: { start: new Date(START) } }],
			rekorTlogUrls: [{ ...SERVICE, validFor: { start: new Date(START) } }],
			oidcUrls: [],
			tsaUrls: [],
		});
	});

	it.each([
		['version 0.1', { ...CONFIG, mediaType: 'application/vnd.dev.sigstore.signingconfig.v0.1+json' }],
		['a URL that is no web address', { ...CONFIG, caUrls: [{ ...SERVICE, url: 'file:///etc/passwd' }] }],
		['script in a URL', { ...CONFIG, caUrls: [{ ...SERVICE, url: 'javascript:alert(1)' }] }],
		['a service without a start', { ...CONFIG, caUrls: [{ ...SERVICE, validFor: {} }] }],
		['version 0 of an API', { ...CONFIG, caUrls: [{ ...SERVICE, majorApiVersion: 0 }] }],
		['an unknown selector', { ...CONFIG, rekorTlogConfig: { selector: 'SERVICE_SELECTOR_UNDEFINED' } }],
		['a count of none', { ...CONFIG, rekorTlogConfig: { selector: 'EXACT', count: 0 } }],
		['more services than anyone runs', { ...CONFIG, tsaUrls: Array(65).fill(SERVICE) }],
		['nothing', undefined],
	])('with %s is refused', (_what, value) => {
		expect(() => parseSigningConfig(value)).toThrow(z.ZodError);
	});
});

describe('the service to use', () => {
	const service = (url: string, majorApiVersion: number, start: string, end?: string): ServiceUrl => ({
		url,
		majorApiVersion,
		validFor: { start: new Date(start), ...(end === undefined ? {} : { end: new Date(end) }) },
	});
	const [old, current, next, past, newApi] = [
		service('old', 1, '2025-01-01'),
		service('current', 1, '2026-02-01'),
		service('next', 1, '2026-04-01'),
		service('past', 1, '2026-02-15', '2026-02-20'),
		service('new-api', 2, '2025-06-01'),
	];

	it.each([
		['the one that started last', [old, current], [1], 'current'],
		['in whatever order they stand', [current, old], [1], 'current'],
		['not one that has yet to start', [next, old], [1], 'old'],
		['not one that has ended', [past, old], [1], 'old'],
		['of the highest version that is supported', [current, newApi], [1, 2], 'new-api'],
		['of no version that is not', [current, newApi], [1], 'current'],
		['of a lower version when the higher one is not current', [service('x', 2, '2026-04-01'), old], [1, 2], 'old'],
		['none among none', [], [1], undefined],
		['none among those of other versions', [newApi], [1], undefined],
		['none among those of other times', [next, past], [1], undefined],
	])('is %s', (_what, candidates, supported, url) => {
		expect(selectService(candidates, supported, NOW)?.url).toBe(url);
	});

	it('is current at both ends of its validity', () => {
		const bounded = [service('x', 1, '2026-02-15', '2026-03-01')];
		expect(selectService(bounded, [1], NOW)).toBeDefined();
		expect(selectService(bounded, [1], NOW + 1)).toBeUndefined();
		expect(selectService(bounded, [1], Date.parse('2026-02-15'))).toBeDefined();
		expect(selectService(bounded, [1], Date.parse('2026-02-15') - 1)).toBeUndefined();
	});
});
