import { generateKeyPairSync } from 'node:crypto';
import { SeededRandom } from '@chancery/testkit/seeded-random';
import { describe, expect, it } from 'vitest';
import { utf8 } from './bytes.ts';
import { FormatError } from './format-error.ts';
import { encodePem, parsePem } from './pem.ts';

const der = (length: number) => Uint8Array.from({ length }, (_, i) => i & 0xff);

describe('PEM', () => {
	it('is written as OpenSSL writes it', () => {
		const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
		const spki = new Uint8Array(publicKey.export({ format: 'der', type: 'spki' }));
		expect(encodePem('PUBLIC KEY', spki)).toBe(publicKey.export({ format: 'pem', type: 'spki' }));
	});

	it.each([1, 47, 48, 49, 96, 1000])('of %i bytes reads back', (length) => {
		expect(parsePem(encodePem('CERTIFICATE', der(length)))).toEqual([{ label: 'CERTIFICATE', der: der(length) }]);
	});

	it('may hold several blocks, text around them, CRLF and other line lengths', () => {
		const first = encodePem('CERTIFICATE', der(100)).replaceAll('\n', '\r\n');
		const second = '-----BEGIN PUBLIC KEY-----\nAA\nECAw==\n-----END PUBLIC KEY-----';
		expect(parsePem(`subject=CN = x\n${first}between\n${second}`)).toEqual([
			{ label: 'CERTIFICATE', der: der(100) },
			{ label: 'PUBLIC KEY', der: der(4) },
		]);
	});

	const body = 'AAEC';
	it.each([
		['nothing', ''],
		['no block', 'just text'],
		['no end', `-----BEGIN X-----\n${body}\n`],
		['another end', `-----BEGIN X-----\n${body}\n-----END Y-----\n`],
		['an end alone', `-----END X-----\n`],
		['a block in a block', `-----BEGIN X-----\n-----BEGIN X-----\n${body}\n-----END X-----\n`],
		['a malformed label before a good block', `-----BEGIN x-----\n${encodePem('X', der(3))}`],
		['an end before a good block', `-----END X-----\n${encodePem('X', der(3))}`],
		['an empty block', '-----BEGIN X-----\n-----END X-----\n'],
		['a header', `-----BEGIN X-----\nProc-Type: 4,ENCRYPTED\n\n${body}\n-----END X-----\n`],
		['spaces inside a line', '-----BEGIN X-----\nAA EC\n-----END X-----\n'],
		['no padding', '-----BEGIN X-----\nAA\n-----END X-----\n'],
		['small letters in the label', `-----BEGIN x-----\n${body}\n-----END x-----\n`],
		['an empty label', `-----BEGIN -----\n${body}\n-----END -----\n`],
		['four hyphens', `----BEGIN X----\n${body}\n----END X----\n`],
		['more than 100 blocks', encodePem('X', der(3)).repeat(101)],
		['more than a megabyte', ' '.repeat(1024 * 1024 + 1)],
	])('is refused with %s', (_what, text) => {
		expect(() => parsePem(text)).toThrow(FormatError);
	});

	it('is not written with a label that does not read back', () => {
		expect(() => encodePem('certificate', der(1))).toThrow(FormatError);
		expect(() => encodePem('X-----\n', der(1))).toThrow(FormatError);
	});

	it('gives the bytes back or its own error, after random damage', () => {
		const random = new SeededRandom(11);
		const text = utf8(encodePem('CERTIFICATE', der(120)));
		for (let i = 0; i < 3000; i++) {
			try {
				const blocks = parsePem(new TextDecoder('latin1').decode(random.mangle(text)));
				const written = blocks.map((block) => encodePem(block.label, block.der)).join('');
				expect(parsePem(written)).toEqual(blocks);
			} catch (error) {
				expect(error).toBeInstanceOf(FormatError);
			}
		}
	});
});
