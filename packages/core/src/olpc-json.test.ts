import { describe, expect, it } from 'vitest';
import { fromUtf8, toHex } from './bytes.ts';
import { FormatError } from './format-error.ts';
import { olpcCanonicalJson } from './olpc-json.ts';
import { sha256 } from './sha.ts';

const text = (value: unknown) => fromUtf8(olpcCanonicalJson(value));

describe('OLPC canonical JSON', () => {
	it.each([
		[
			'sorted members without white space',
			{ b: [1, 2], a: { d: null, c: true } },
			'{"a":{"c":true,"d":null},"b":[1,2]}',
		],
		['line feeds as they are', '-----BEGIN PUBLIC KEY-----\n', '"-----BEGIN PUBLIC KEY-----\n"'],
		['control characters as they are', 'a\tb\u0001', '"a\tb\u0001"'],
		['escapes for the two characters that need them', 'say "\\"', '"say \\"\\\\\\""'],
		['letters beyond ASCII as UTF-8', 'é€😀', '"é€😀"'],
		['no escape for a slash', 'a/b', '"a/b"'],
		['integers', [0, -0, 1, -17, 9007199254740991], '[0,0,1,-17,9007199254740991]'],
		['empty containers', [{}, [], ''], '[{},[],""]'],
	])('writes %s', (_what, value, expected) => {
		expect(text(value)).toBe(expected);
	});

	it('gives the key id that the public Sigstore root has for its online key', () => {
		const key = {
			'x-tuf-on-ci-online-uri':
				'gcpkms:projects/sigstore-root-signing/locations/global/keyRings/root/cryptoKeys/timestamp/cryptoKeyVersions/1',
			scheme: 'ecdsa-sha2-nistp256',
			keyid_hash_algorithms: ['sha256', 'sha512'],
			keytype: 'ecdsa',
			keyval: {
				public:
					'-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEWRiGr5+j+3J5SsH+Ztr5nE2H2wO7\nBV+nO3s93gLca18qTOzHY1oWyAGDykMSsGTUBSt9D+An0KfKsD2mfSM42Q==\n-----END PUBLIC KEY-----\n',
			},
		};
		expect(toHex(sha256(olpcCanonicalJson(key)))).toBe(
			'0c87432c3bf09fd99189fdc32fa5eaedf4e4a5fac7bab73fa04a2e0fc64af6f5',
		);
	});

	it.each([
		['a fraction', 1.5],
		['an unsafe integer', 2 ** 53],
		['NaN', Number.NaN],
		['undefined', { a: undefined }],
		['a big integer', 1n],
		['a date', new Date(0)],
		['half of a surrogate pair', '\ud83d'],
		['a name that implementations sort differently', { '😀': 1 }],
	])('refuses %s', (_what, value) => {
		expect(() => olpcCanonicalJson(value)).toThrow(FormatError);
	});

	it('refuses endless nesting instead of exhausting the stack', () => {
		const cycle: unknown[] = [];
		cycle.push(cycle);
		expect(() => olpcCanonicalJson(cycle)).toThrow(FormatError);
	});
});
