import { parseSigningConfig } from '@chancery/wire/signing-config';
import { describe, expect, it } from 'vitest';
import { chooseServices } from './choose-services.ts';
import { ClientError } from './client-error.ts';

const NOW = Date.parse('2026-03-01T00:00:00Z');

interface Given {
	readonly url: string;
	readonly api?: number;
	readonly start?: string;
	readonly end?: string;
	readonly operator?: string;
}

function config(given: { ca?: Given[]; log?: Given[]; tsa?: Given[]; logs?: object; tsas?: object }) {
	const list = (services: Given[] = [{ url: 'one' }]) =>
		services.map(({ url, api = 1, start = '2026-01-01T00:00:00Z', end, operator = 'a' }) => ({
			url: `https://${url}.test`,
			majorApiVersion: api,
			validFor: end === undefined ? { start } : { start, end },
			operator,
		}));
	return parseSigningConfig({
		mediaType: 'application/vnd.dev.sigstore.signingconfig.v0.2+json',
		caUrls: list(given.ca),
		rekorTlogUrls: list(given.log),
		tsaUrls: list(given.tsa),
		rekorTlogConfig: given.logs ?? { selector: 'ANY' },
		tsaConfig: given.tsas ?? { selector: 'ANY' },
	});
}

const choose = (given: Parameters<typeof config>[0], versions = [2, 1]) => {
	const { ca, log, tsa } = chooseServices(config(given), versions, NOW);
	return [ca, log, tsa].map((service) => service?.url.slice(8, -5));
};

describe('the services to use', () => {
	it.each([
		['one of each', {}, [2, 1], ['one', 'one', 'one']],
		[
			'the newest of several',
			{ log: [{ url: 'old' }, { url: 'new', start: '2026-02-01T00:00:00Z' }] },
			[1],
			['one', 'new', 'one'],
		],
		['the v2 log before the v1 log', { log: [{ url: 'v1' }, { url: 'v2', api: 2 }] }, [2, 1], ['one', 'v2', 'one']],
		['the v1 log when only that is wanted', { log: [{ url: 'v1' }, { url: 'v2', api: 2 }] }, [1], ['one', 'v1', 'one']],
		['no timestamp authority where there is none', { tsa: [] }, [1], ['one', 'one', undefined]],
		[
			'nobody who has ended',
			{ ca: [{ url: 'gone', start: '2026-02-01T00:00:00Z', end: '2026-02-02T00:00:00Z' }, { url: 'here' }] },
			[1],
			['here', 'one', 'one'],
		],
		['one of one where all are demanded', { logs: { selector: 'ALL' } }, [1], ['one', 'one', 'one']],
		['one where exactly one is demanded', { tsas: { selector: 'EXACT', count: 1 } }, [1], ['one', 'one', 'one']],
		[
			'the newest of one operator where all operators are demanded',
			{ log: [{ url: 'old' }, { url: 'new', start: '2026-02-01T00:00:00Z' }], logs: { selector: 'ALL' } },
			[1],
			['one', 'new', 'one'],
		],
	])('are %s', (_what, given, versions, expected) => {
		expect(choose(given, versions)).toEqual(expected);
	});

	it.each([
		['no CA', { ca: [] }, [1], 'no current certificate authority'],
		['no CA yet', { ca: [{ url: 'x', start: '2027-01-01T00:00:00Z' }] }, [1], 'no current certificate authority'],
		['no log', { log: [] }, [2, 1], 'no current signature log of API version 2 or 1'],
		['no log of the wanted wire', { log: [{ url: 'v1' }] }, [2], 'of API version 2'],
		[
			'a v2 log without a timestamp authority',
			{ log: [{ url: 'v2', api: 2 }], tsa: [] },
			[2, 1],
			'which a v2 log needs',
		],
		[
			'two logs that must both be used',
			{ log: [{ url: 'a' }, { url: 'b', operator: 'b' }], logs: { selector: 'ALL' } },
			[1],
			'demands 2 services',
		],
		['exactly two timestamps', { tsas: { selector: 'EXACT', count: 2 } }, [1], 'demands 2 services'],
	])('are refused with %s', (_what, given, versions, words) => {
		const attempt = () => choose(given, versions);
		expect(attempt).toThrow(ClientError);
		expect(attempt).toThrow(words);
	});
});
