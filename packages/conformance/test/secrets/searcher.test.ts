/** The searcher finds: what was hidden on purpose is found, in every encoding, and what was not hidden is not. */
import { randomBytes } from 'node:crypto';
import { inspect } from 'node:util';
import { deflateSync, gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { formsOf, type Secret } from './encodings.ts';
import { Searcher } from './searcher.ts';

const scalar: Secret = { name: 'scalar', bytes: randomBytes(32) };
const passphrase: Secret = { name: 'passphrase', bytes: Buffer.from('käse & "brot" 100% + 7/2=3,5\\'), leakBytes: 64 };
const pin: Secret = { name: 'PIN', bytes: Buffer.from(String(randomBytes(8).readBigUInt64BE()).padStart(20, '7')) };
const searcher = new Searcher([scalar, passphrase, pin]);
const hay = (n: number) => randomBytes(n);
const inText = (secret: string | Buffer) =>
	Buffer.concat([Buffer.from('before '), Buffer.from(secret as string), Buffer.from(' after')]);
const namesIn = (bytes: Buffer, how: 'search' | 'searchDeeply' = 'search') => [
	...new Set(searcher[how](bytes).map(({ secret }) => secret)),
];

describe.each([scalar, passphrase, pin])('a planted $name', (secret) => {
	it.each(formsOf(secret).map((form) => [form.encoding, form] as const))('is found as %s', (_encoding, form) => {
		const planted = Buffer.concat([hay(1013), form.text, hay(500)]);
		expect(searcher.search(planted)).toContainEqual(
			expect.objectContaining({ secret: secret.name, encoding: form.encoding, offset: 1013 }),
		);
	});
});

describe('a part of a private scalar', () => {
	it.each(Array.from({ length: 17 }, (_, at) => at))('of 16 bytes at %i is found in every encoding', (at) => {
		const piece = scalar.bytes.subarray(at, at + 16);
		const forms = formsOf({ name: 'scalar', bytes: piece }).filter(({ encoding }) => !/number|UTF-16/.test(encoding));
		for (const { text, encoding } of forms) expect([encoding, ...namesIn(inText(text))]).toEqual([encoding, 'scalar']);
	});

	it('of 15 bytes is not called one', () => {
		expect(namesIn(inText(scalar.bytes.subarray(3, 18)))).toEqual([]);
	});
});

describe('in what a program prints', () => {
	const { bytes } = scalar;
	const text = passphrase.bytes.toString();
	it.each([
		['a Buffer, inspected', 'scalar', inspect(Buffer.from(bytes))],
		['a Uint8Array, inspected', 'scalar', inspect(new Uint8Array(bytes), { maxArrayLength: null })],
		['a Buffer as JSON', 'scalar', JSON.stringify(Buffer.from(bytes))],
		['a Uint8Array as JSON', 'scalar', JSON.stringify([...bytes])],
		['od', 'scalar', (bytes.toString('hex').match(/../g) ?? []).join(' ')],
		['base64 of base64', 'scalar', Buffer.from(bytes.toString('base64')).toString('base64')],
		['base64 of a PEM', 'scalar', Buffer.from(pemOf(bytes)).toString('base64')],
		['a PEM', 'scalar', pemOf(bytes)],
		['a PEM in JSON', 'scalar', JSON.stringify({ pem: pemOf(bytes) })],
		['hex of base64 (a bytea)', 'scalar', Buffer.from(`{"k":"${bytes.toString('base64')}"}`).toString('hex')],
		['gzip', 'scalar', gzipSync(inText(bytes.toString('hex')))],
		['zlib in base64', 'scalar', deflateSync(inText(bytes.toString('hex'))).toString('base64')],
		['a JSON string', 'passphrase', JSON.stringify({ text })],
		['a form', 'passphrase', new URLSearchParams({ text }).toString()],
		['a URL in a JSON log line', 'passphrase', JSON.stringify({ url: `http://a/?p=${encodeURIComponent(text)}` })],
		['half of a percent-escaped URL', 'PIN', `pkcs11:token=a?pin-value=%3${pin.bytes}`],
	] as const)('%s', (_what, name, printed) => {
		expect(namesIn(inText(printed as string), 'searchDeeply')).toEqual([name]);
	});
});

it('finds nothing where nothing is hidden', () => {
	for (let round = 0; round < 20; round++) {
		expect(searcher.searchDeeply(hay(100_000))).toEqual([]);
		expect(searcher.searchDeeply(Buffer.from(hay(60_000).toString('base64')))).toEqual([]);
		expect(searcher.searchDeeply(Buffer.from(hay(60_000).toString('hex')))).toEqual([]);
	}
});

it('shows the surroundings of a finding without the secret', () => {
	const [finding] = searcher.search(Buffer.from(`the PIN is ${pin.bytes}, do not tell`));
	expect(finding?.around).toBe('the PIN is <HERE>, do not tell');
});

function pemOf(bytes: Buffer): string {
	const body = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), bytes]).toString('base64');
	return `-----BEGIN PRIVATE KEY-----\n${body.replace(/.{64}(?=.)/g, '$&\n')}\n-----END PRIVATE KEY-----\n`;
}
