import { describe, expect, it } from 'vitest';
import { parseInstanceFile, parseMirrorFile } from './remembered-places.ts';
import { UsageError } from './usage-error.ts';

const PLACES = { trustedRoot: '/data/trust/trusted_root.json', signingConfig: '/data/trust/signing_config.json' };

describe('instance.json', () => {
	it('says where the trust of an instance is, and more, which is passed over', () => {
		const text = JSON.stringify({ ...PLACES, tlsCa: '/data/ca.pem', services: {} });
		expect(parseInstanceFile(text, 'instance.json')).toEqual({ ...PLACES, tlsCa: '/data/ca.pem' });
	});

	it.each([
		['not JSON', 'no', /instance\.json is not JSON/],
		['null', 'null', /is not a JSON object/],
		['without places', '{}', /does not say where/],
		['with a number for a place', JSON.stringify({ ...PLACES, trustedRoot: 7 }), /does not say where/],
		['with a place below wherever one is', JSON.stringify({ ...PLACES, tlsCa: 'ca.pem' }), /does not say where/],
		['with a place that no system has', JSON.stringify({ ...PLACES, tlsCa: '/\0' }), /does not say where/],
	])('that is %s is wrong usage', (_, text, words) => {
		expect(() => parseInstanceFile(text, 'instance.json')).toThrow(UsageError);
		expect(() => parseInstanceFile(text, 'instance.json')).toThrow(words);
	});
});

describe('mirror.json', () => {
	it('names the mirror', () => {
		expect(parseMirrorFile('{"mirror":"https://tuf.example"}', 'mirror.json')).toBe('https://tuf.example');
	});

	it.each(['', 'null', '{}', '{"mirror":7}', '{"mirror":"tuf.example"}', '{"mirror":"file:///etc"}'])(
		'that holds %j is wrong usage',
		(text) => {
			expect(() => parseMirrorFile(text, 'mirror.json')).toThrow(UsageError);
		},
	);
});
