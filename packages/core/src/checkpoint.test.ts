import { createPublicKey, verify } from 'node:crypto';
import { SeededRandom } from '@chancery/testkit/seeded-random';
import { describe, expect, it } from 'vitest';
import { fromBase64, fromHex, fromUtf8, toHex, utf8 } from './bytes.ts';
import { formatCheckpoint, parseCheckpoint } from './checkpoint.ts';
import { FormatError } from './format-error.ts';
import { EMPTY_ROOT } from './merkle.ts';
import { ecdsaKeyHash, ed25519KeyHash, openNote, parseVerifierKey } from './note.ts';
import { ed25519Spki } from './spki.ts';

const V1 = {
	note: `rekor.sigstore.dev - 1193050959916656506
649584076
rnpacIXSjoToEDh0qD4CLAKdkPnW1Y4R1DhFMS+AGlI=

— rekor.sigstore.dev wNI9ajBFAiB+dI3iNRQRRAEwq+BzKTSdPsCKz/m9BkbkJhT9TXRKxQIhANcH3cgUq9pObcC7hQct9sqjd4ZW54GyCHRXiLC8FF17
`,
	spki: 'MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE2G2Y+2tabdTV5BcGiBIx0a9fAFwrkBbmLSGtks4L3qX6yYY0zufBnhC8Ur/iy55GhWP/9A/bY2LhC30M9+RYtw==',
};

const V2 = {
	note: `log2025-alpha1.rekor.sigstage.dev
736
rs1YPY0ydAV0lxgfrq5pE4oRpUJwo3syeps5+eGUTDI=

— log2025-alpha1.rekor.sigstage.dev 8w1amdbj1mjNN674dHAkD92+QZoEgBC7o0mXYSTRluDjQrOPjrps3zQB9ut+ShLepyZPsWBDi5IB3yXyjgjQT6OG9A8=
`,
	spki: 'MCowBQYDK2VwAyEAPn+AREHoBaZ7wgS1zBqpxmLSGnyhxXj4lFxSdWVB8o8=',
};

const SINGLE = {
	note: `rekor-local
1
m5JVGx4ESzbU2kFUPgYQ9adCA7e7mjnwQRluEmGJbHU=

— rekor-local 2AtEIIwnbtxrneJ7L1lQebfBRl7TxK84DTmx+kcZi7A25cBDgESI23f9ylThAlOireJ7U+H8eZF/4kJQcn9o5Qt8mQU=
`,
	vkey: 'rekor-local+d80b4420+AURLycjWRo1+gdwwCLg9wU4PayMFdNBmPF4ORVPiBQ1E',
};

const keyOf = (spki: Uint8Array) => createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' });

describe('checkpoints of logs that are out there', () => {
	it('open: a Rekor v1 log with an ECDSA key', async () => {
		const spki = fromBase64(V1.spki);
		const opened = await openNote(V1.note, [
			{
				name: 'rekor.sigstore.dev',
				keyHash: ecdsaKeyHash(spki).subarray(0, 4),
				verify: ({ text, signature }) => verify('sha256', text, keyOf(spki), signature),
			},
		]);
		const checkpoint = parseCheckpoint(opened.text);
		expect(checkpoint.origin).toBe('rekor.sigstore.dev - 1193050959916656506');
		expect(checkpoint.size).toBe(649584076);
		expect(toHex(checkpoint.root)).toBe('ae7a5a7085d28e84e8103874a83e022c029d90f9d6d58e11d43845312f801a52');
		expect(formatCheckpoint(checkpoint)).toBe(opened.text);
	});

	it('open: a Rekor v2 log with an Ed25519 key', async () => {
		const name = 'log2025-alpha1.rekor.sigstage.dev';
		const spki = fromBase64(V2.spki);
		const opened = await openNote(V2.note, [
			{
				name,
				keyHash: ed25519KeyHash(name, spki.subarray(12)).subarray(0, 4),
				verify: ({ text, signature }) => verify(null, text, keyOf(spki), signature),
			},
		]);
		expect(parseCheckpoint(opened.text)).toMatchObject({ origin: name, size: 736, extensions: [] });
	});

	it('open: a log of one entry, by its verifier key', async () => {
		const { name, keyHash, key } = parseVerifierKey(SINGLE.vkey);
		const opened = await openNote(SINGLE.note, [
			{ name, keyHash, verify: ({ text, signature }) => verify(null, text, keyOf(ed25519Spki(key)), signature) },
		]);
		expect(toHex(parseCheckpoint(opened.text).root)).toBe(
			'9b92551b1e044b36d4da41543e0610f5a74203b7bb9a39f041196e1261896c75',
		);
	});
});

describe('the text of a checkpoint', () => {
	const root = fromHex('00'.repeat(32));
	const rootLine = `${'A'.repeat(43)}=`;

	it('states origin, size and root, a line each, and then its extensions', () => {
		expect(formatCheckpoint({ origin: 'log.example', size: 0, root: EMPTY_ROOT })).toBe(
			'log.example\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n',
		);
		const text = formatCheckpoint({ origin: 'a', size: 9, root, extensions: ['one', 'two words'] });
		expect(text).toBe(`a\n9\n${rootLine}\none\ntwo words\n`);
		expect(parseCheckpoint(text)).toEqual({ origin: 'a', size: 9, root, extensions: ['one', 'two words'] });
	});

	it.each([
		['an empty text', ''],
		['two lines', 'a\n1\n'],
		['no last line feed', `a\n1\n${rootLine}`],
		['an empty line at the end', `a\n1\n${rootLine}\n\n`],
		['an empty extension between others', `a\n1\n${rootLine}\nx\n\ny\n`],
		['an empty origin', `\n1\n${rootLine}\n`],
		['a leading zero', `a\n01\n${rootLine}\n`],
		['a sign', `a\n+1\n${rootLine}\n`],
		['a negative size', `a\n-1\n${rootLine}\n`],
		['a fraction', `a\n1.0\n${rootLine}\n`],
		['an exponent', `a\n1e3\n${rootLine}\n`],
		['a hexadecimal size', `a\n0x1\n${rootLine}\n`],
		['a size beyond 2^53', `a\n9007199254740992\n${rootLine}\n`],
		['spaces around the size', `a\n 1\n${rootLine}\n`],
		['a root of 31 bytes', `a\n1\n${'A'.repeat(42)}==\n`],
		['a root of 33 bytes', `a\n1\n${'A'.repeat(44)}\n`],
		['a root without padding', `a\n1\n${'A'.repeat(43)}\n`],
		['a root with bits behind its end', `a\n1\n${'A'.repeat(42)}B=\n`],
		['a carriage return', `a\r\n1\r\n${rootLine}\r\n`],
	])('is refused with %s', (_what, text) => {
		expect(() => parseCheckpoint(text)).toThrow(FormatError);
	});

	it.each([
		['a line feed in the origin', { origin: 'a\nb', size: 1, root }],
		['an empty origin', { origin: '', size: 1, root }],
		['an empty extension', { origin: 'a', size: 1, root, extensions: [''] }],
		['a negative size', { origin: 'a', size: -1, root }],
		['a short root', { origin: 'a', size: 1, root: root.subarray(1) }],
	])('is not written with %s', (_what, checkpoint) => {
		expect(() => formatCheckpoint(checkpoint)).toThrow(FormatError);
	});

	it('reads back to itself or is refused, after random damage', () => {
		const random = new SeededRandom(8);
		const text = utf8(`log.example\n1234567\n${rootLine}\nextension\n`);
		let read = 0;
		for (let i = 0; i < 5000; i++) {
			try {
				const damaged = fromUtf8(random.mangle(text));
				expect(formatCheckpoint(parseCheckpoint(damaged))).toBe(damaged);
				read += 1;
			} catch (error) {
				expect(error).toBeInstanceOf(FormatError);
			}
		}
		expect(read).toBeGreaterThan(100);
	});
});
