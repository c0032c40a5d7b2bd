import { describe, expect, it } from 'vitest';
import { concatBytes, utf8 } from './bytes.ts';
import { hashOfOid, parseSignedData } from './cms.ts';
import {
	derContext,
	derInteger,
	derNull,
	derOctetString,
	derOid,
	derRaw,
	derSequence,
	derSet,
	derUtf8,
} from './der.ts';
import { FormatError } from './format-error.ts';
import { digest } from './sha.ts';

const CONTENT_TYPE = '1.2.3.4';
const CONTENT = utf8('content');
const SHA256 = derSequence(derOid('2.16.840.1.101.3.4.2.1'));
const ISSUER = derSequence();

const attribute = (oid: string, ...values: Uint8Array[]) => derSequence(derOid(oid), derSet(...values));
const contentType = attribute('1.2.840.113549.1.9.3', derOid(CONTENT_TYPE));
const messageDigest = attribute('1.2.840.113549.1.9.4', derOctetString(digest('SHA2_256', CONTENT)));
const other = attribute('1.2.3.5', derUtf8('x'));

interface SignerParts {
	readonly version?: number;
	readonly attributes?: readonly Uint8Array[];
	readonly unsigned?: Uint8Array;
}

function signer({
	version = 1,
	attributes = [contentType, messageDigest, other],
	unsigned,
}: SignerParts = {}): Uint8Array {
	const id = derSequence(ISSUER, derInteger(5));
	const signed = derContext(0, {}, ...attributes);
	const parts = [
		derInteger(version),
		id,
		SHA256,
		signed,
		derSequence(derOid('1.2.840.10045.4.3.2')),
		derOctetString(CONTENT),
	];
	return derSequence(...parts, ...(unsigned ? [unsigned] : []));
}

interface MessageParts {
	readonly type?: string;
	readonly content?: Uint8Array;
	readonly certificates?: readonly Uint8Array[];
	readonly signers?: readonly Uint8Array[];
	readonly extra?: Uint8Array;
}

function message({
	type = '1.2.840.113549.1.7.2',
	content = derOctetString(CONTENT),
	...parts
}: MessageParts = {}): Uint8Array {
	const { certificates = [], signers = [signer()], extra } = parts;
	const signedData = derSequence(
		derInteger(3),
		derSet(SHA256),
		derSequence(derOid(CONTENT_TYPE), derContext(0, {}, content)),
		...(certificates.length > 0 ? [derContext(0, {}, ...certificates)] : []),
		...(extra ? [extra] : []),
		derSet(...signers),
	);
	return derSequence(derOid(type), derContext(0, {}, signedData));
}

describe('signed data', () => {
	it('is taken apart', () => {
		const parsed = parseSignedData(message({ certificates: [derSequence(derNull())] }));
		expect(parsed).toMatchObject({
			contentType: CONTENT_TYPE,
			content: CONTENT,
			certificates: [derSequence(derNull())],
		});
		expect(parsed.signer).toMatchObject({ issuer: ISSUER, serial: Uint8Array.of(5), digestAlgorithm: 'SHA2_256' });
		expect(parsed.signer.messageDigest).toEqual(digest('SHA2_256', CONTENT));
		expect(parsed.signer.attribute('1.2.3.5')).toEqual(derUtf8('x'));
		expect(parsed.signer.attribute('1.2.3.6')).toBeUndefined();
	});

	it('shows the attributes as they were signed: as a SET, in the order they stand', () => {
		const attributes = [other, messageDigest, contentType];
		const { signer: parsed } = parseSignedData(message({ signers: [signer({ attributes })] }));
		expect(parsed.signedAttributes).toEqual(derRaw(0x31, ...attributes));
	});

	it('may carry revocation lists and unsigned attributes, which nobody reads', () => {
		const unsigned = derContext(1, {}, derNull());
		const parsed = parseSignedData(message({ extra: derContext(1, {}, derNull()), signers: [signer({ unsigned })] }));
		expect(parsed.content).toEqual(CONTENT);
	});

	const withAttributes = (...attributes: Uint8Array[]) => message({ signers: [signer({ attributes })] });
	it.each([
		['another content info', message({ type: '1.2.840.113549.1.7.1' })],
		['two signers', message({ signers: [signer(), signer({ attributes: [contentType, messageDigest] })] })],
		['no signer', message({ signers: [] })],
		['a signer that is named by key identifier', message({ signers: [signer({ version: 3 })] })],
		['content in pieces', message({ content: derRaw(0x24, derOctetString(CONTENT)) })],
		[
			'another signed content type',
			withAttributes(attribute('1.2.840.113549.1.9.3', derOid('1.2.3.9')), messageDigest),
		],
		['no signed content type', withAttributes(messageDigest)],
		['no message digest', withAttributes(contentType)],
		['an attribute twice', withAttributes(contentType, messageDigest, messageDigest)],
		[
			'an attribute of two values',
			withAttributes(contentType, messageDigest, attribute('1.2.3.5', derNull(), derUtf8('x'))),
		],
		['an attribute without value', withAttributes(contentType, messageDigest, attribute('1.2.3.5'))],
		['a certificate that is none', message({ certificates: [derNull()] })],
		['too many certificates', message({ certificates: Array.from({ length: 21 }, () => derSequence()) })],
		['a field that we do not know', message({ extra: derNull() })],
		['bytes behind it', concatBytes(message(), Uint8Array.of(0))],
	])('is refused with %s', (_what, bytes) => {
		expect(() => parseSignedData(bytes)).toThrow(FormatError);
	});

	// Of NIST's registry of algorithm identifiers.
	it.each([
		['SHA2_256', '2.16.840.1.101.3.4.2.1'],
		['SHA2_384', '2.16.840.1.101.3.4.2.2'],
		['SHA2_512', '2.16.840.1.101.3.4.2.3'],
	])('knows %s by its identifier', (algorithm, oid) => {
		expect(hashOfOid(oid)).toBe(algorithm);
	});
});
