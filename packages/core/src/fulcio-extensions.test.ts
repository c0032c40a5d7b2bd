import { describe, expect, it } from 'vitest';
import { toHex, utf8 } from './bytes.ts';
import type { Certificate, Extension } from './certificate.ts';
import { derIa5, derInteger, derPrintable, derUtf8 } from './der.ts';
import { FormatError } from './format-error.ts';
import {
	encodeFulcioExtension,
	FULCIO_EXTENSION_NAMES,
	FULCIO_EXTENSIONS,
	readFulcioExtensions,
} from './fulcio-extensions.ts';

/** As much of a certificate as the reader looks at. */
function certificateWith(...extensions: { oid: string; value: Uint8Array }[]): Certificate {
	const list: Extension[] = extensions.map((extension) => ({ ...extension, critical: false }));
	return {
		extensions: list,
		extension: (oid: string) => list.find((found) => found.oid === oid),
	} as unknown as Certificate;
}

describe('Fulcio extensions', () => {
	it('have the numbers 1 to 6 and 8 to 24 of their arc, in order', () => {
		const numbers = FULCIO_EXTENSION_NAMES.map((name) =>
			FULCIO_EXTENSIONS[name].oid.replace('1.3.6.1.4.1.57264.1.', ''),
		);
		expect(numbers).toEqual([1, 2, 3, 4, 5, 6, ...Array.from({ length: 17 }, (_, i) => i + 8)].map(String));
	});

	it.each([
		['issuer', '1.3.6.1.4.1.57264.1.1', 'é<&>', 'c3a93c263e'],
		['githubWorkflowRef', '1.3.6.1.4.1.57264.1.6', 'main', '6d61696e'],
		['issuerV2', '1.3.6.1.4.1.57264.1.8', 'é<&>', '0c05c3a93c263e'],
		['runInvocationUri', '1.3.6.1.4.1.57264.1.21', 'a', '0c0161'],
		['deploymentEnvironment', '1.3.6.1.4.1.57264.1.23', 'prod', '0c0470726f64'],
		['subject', '1.3.6.1.4.1.57264.1.24', 'x', '0c0178'],
	] as const)('write %s as %s with the text as it is', (name, oid, value, hex) => {
		const encoded = encodeFulcioExtension(name, value);
		expect([encoded.oid, toHex(encoded.value)]).toEqual([oid, hex]);
	});

	it('read back, all at once', () => {
		const values = Object.fromEntries(FULCIO_EXTENSION_NAMES.map((name) => [name, `value of ${name}`]));
		const certificate = certificateWith(
			...FULCIO_EXTENSION_NAMES.map((name) => encodeFulcioExtension(name, values[name]!)),
		);
		expect(readFulcioExtensions(certificate)).toEqual(values);
		expect(readFulcioExtensions(certificateWith())).toEqual({});
	});

	it('of other issuers may use other text types', () => {
		const oid = FULCIO_EXTENSIONS.buildTrigger.oid;
		for (const value of [derPrintable('push'), derIa5('push'), derUtf8('push')])
			expect(readFulcioExtensions(certificateWith({ oid, value }))).toEqual({ buildTrigger: 'push' });
	});

	it.each([
		['a number', FULCIO_EXTENSIONS.issuerV2.oid, derInteger(1)],
		['bare text in the new form', FULCIO_EXTENSIONS.issuerV2.oid, utf8('https://issuer.example')],
		['bytes behind the text', FULCIO_EXTENSIONS.issuerV2.oid, Uint8Array.of(0x0c, 1, 0x61, 0)],
		['bytes that are no text in the old form', FULCIO_EXTENSIONS.issuer.oid, Uint8Array.of(0xff)],
	])('are refused with %s', (_what, oid, value) => {
		expect(() => readFulcioExtensions(certificateWith({ oid, value }))).toThrow(FormatError);
	});

	it('are absent rather than empty', () => {
		expect(() => encodeFulcioExtension('issuer', '')).toThrow(FormatError);
	});
});
