/** Spellings of bytes: hexadecimal, base64, UTF-8, PEM, DER and its times and identifiers, TLS structures, JSON. */

import { parseJsonBody } from '@chancery/chassis/http/json-body';
import {
	equalBytes,
	fromBase64,
	fromBase64Url,
	fromHex,
	fromUtf8,
	toBase64,
	toBase64Url,
	toHex,
	utf8,
} from '@chancery/core/bytes';
import { canonicalJson } from '@chancery/core/canonical-json';
import { DerReader, derRaw } from '@chancery/core/der';
import { formatGeneralizedTime, formatUtcTime, parseGeneralizedTime, parseUtcTime } from '@chancery/core/der-time';
import { parseJson } from '@chancery/core/json';
import { decodeOid, encodeOid } from '@chancery/core/oid';
import { olpcCanonicalJson } from '@chancery/core/olpc-json';
import { encodePem, parsePem } from '@chancery/core/pem';
import {
	complaint,
	domainError,
	formatError,
	type ParserUnderTest,
	parser,
	sameBytes,
	sameText,
	textOf,
} from './parser-under-test.ts';
import { seed, seedJson, seedsLike, seedText } from './seeds.ts';

const DER_SEEDS = [
	...parsePem(seedText('tsa chain')).map(({ der }) => der),
	...parsePem(seedText('csr')).map(({ der }) => der),
	seed('/api/v1/timestamp reply'),
	seed('/api/v1/timestamp request'),
];

const JSON_SEEDS = [
	seed('trusted_root.json'),
	seed('v2 blob bundle'),
	seed('jwks'),
	'{"a":[1,-2.5e-7,"\\u20ac",null,true]}',
];

export const BYTE_PARSERS: readonly ParserUnderTest[] = [
	parser({
		name: 'hexadecimal',
		seeds: ['', '00ff', '0123456789abcdefABCDEF'],
		refusals: formatError,
		parse: (input) => fromHex(textOf(input)),
		check: (bytes, input) => sameText(toHex(bytes), textOf(input).toLowerCase()),
	}),
	parser({
		name: 'base64',
		seeds: ['', 'AA==', 'AAA=', 'AAAA', '+/+/'],
		refusals: formatError,
		parse: (input) => fromBase64(textOf(input)),
		check: (bytes, input) => sameText(toBase64(bytes), textOf(input)),
	}),
	parser({
		name: 'base64url',
		seeds: ['', 'AA', 'AAA', 'AAAA', '-_-_', seedText('token').split('.')[1] ?? ''],
		refusals: formatError,
		parse: (input) => fromBase64Url(textOf(input)),
		check: (bytes, input) => sameText(toBase64Url(bytes), textOf(input)),
	}),
	parser({
		name: 'UTF-8',
		seeds: ['', 'a\u0000é€\u{1f600}', '\ufeffx', seed('v2 checkpoint')],
		refusals: formatError,
		parse: fromUtf8,
		check: (text, input) => sameBytes(utf8(text), input),
	}),
	parser({
		name: 'PEM',
		seeds: [
			seed('tsa chain'),
			seed('csr'),
			seed('v1 public key'),
			`text before\r\n${seedText('csr').replaceAll('\n', '\r\n')}`,
		],
		refusals: formatError,
		parse: (input) => parsePem(textOf(input)),
		// Text around the blocks is passed over, so that not every input comes back; what was read does.
		check: (blocks) => {
			const again = parsePem(blocks.map(({ label, der }) => encodePem(label, der)).join(''));
			const isSame = again.every(({ label, der }, i) => label === blocks[i]?.label && equalBytes(der, blocks[i].der));
			return isSame && again.length === blocks.length ? undefined : 'the blocks change when they are written again';
		},
	}),
	parser({
		name: 'DER',
		seeds: DER_SEEDS,
		refusals: formatError,
		parse: (input) => rewritten(new DerReader(input)),
		check: sameBytes,
	}),
	parser({
		name: 'object identifier',
		seeds: [encodeOid('1.3.6.1.4.1.57264.1.8'), encodeOid('2.999.3'), encodeOid('0.0')],
		refusals: formatError,
		parse: decodeOid,
		check: (dotted, input) => sameBytes(encodeOid(dotted), input),
	}),
	parser({
		name: 'dotted object identifier',
		seeds: ['1.3.6.1.4.1.57264.2', '2.999.123456789012345678901234567890', '0.39'],
		refusals: formatError,
		parse: (input) => encodeOid(textOf(input)),
		check: (content, input) => sameText(decodeOid(content), textOf(input)),
	}),
	parser({
		name: 'UTCTime',
		seeds: ['260228235959Z', '500101000000Z', '491231235959Z'],
		refusals: formatError,
		parse: (input) => parseUtcTime(textOf(input)),
		check: (time, input) => sameText(formatUtcTime(time), textOf(input)),
	}),
	parser({
		name: 'GeneralizedTime',
		seeds: ['20260228235959Z', '01000101000000Z', '99991231235959.123Z', '20240229000000.0001Z'],
		refusals: formatError,
		parse: (input) => parseGeneralizedTime(textOf(input)),
		// A fraction is cut to milliseconds and whole seconds are written.
		check: (time, input) => sameText(formatGeneralizedTime(time), textOf(input).replace(/\.\d+/, '')),
	}),
	parser({
		name: 'JSON',
		seeds: JSON_SEEDS,
		refusals: formatError,
		parse: (input) => parseJson(input),
		check: (value) =>
			complaint(
				depthOf(value) > 64 && 'it is nested deeper than 64 levels',
				sameText(JSON.stringify(parseJson(JSON.stringify(value))), JSON.stringify(value)),
			),
	}),
	parser({
		name: 'JSON body of a request',
		seeds: JSON_SEEDS,
		refusals: domainError('invalid-json'),
		parse: parseJsonBody,
		check: (value) =>
			complaint(
				sameText(JSON.stringify(parseJsonBody(utf8(JSON.stringify(value)))), JSON.stringify(value)),
				depthOf(value) > 64 && 'it is nested deeper than 64 levels',
				hasPrototypeMember(value) && 'it holds a member __proto__',
			),
	}),
	parser({
		name: 'canonical JSON (RFC 8785)',
		seeds: [...JSON_SEEDS, canonicalJson(seedJson('trusted_root.json'))],
		refusals: formatError,
		parse: (input) => canonicalJson(parseJson(input)),
		check: (text) => sameText(canonicalJson(parseJson(text)), text),
	}),
	parser({
		name: 'canonical JSON (OLPC)',
		seeds: [...seedsLike(/^(root|targets|snapshot|timestamp)\.json$/), '{"a":"\\n\\u0000","b":[1,-2]}'],
		refusals: formatError,
		parse: (input) => ({ bytes: olpcCanonicalJson(parseJson(input)), value: parseJson(input) }),
		check: ({ bytes, value }) => sameBytes(olpcCanonicalJson(structuredClone(value)), bytes),
	}),
];

/** Every element read and written again, going into the constructed ones. */
function rewritten(reader: DerReader): Uint8Array {
	const parts: Uint8Array[] = [];
	while (reader.hasMore) {
		const tag = reader.peekTag() ?? 0;
		parts.push(
			(tag & 0x20) !== 0 ? derRaw(tag, rewritten(reader.enter(tag))) : derRaw(tag, readPrimitive(reader, tag)),
		);
	}
	return Uint8Array.from(parts.flatMap((part) => [...part]));
}

/** Content octets, looked at by the reader of its type where there is one. */
function readPrimitive(reader: DerReader, tag: number): Uint8Array {
	const { value, raw } = reader.read();
	const typed = new DerReader(raw);
	if (tag === 0x01) typed.boolean();
	else if (tag === 0x02) typed.integer();
	else if (tag === 0x05) typed.null();
	else if (tag === 0x06) typed.oid();
	else if (tag === 0x0c || tag === 0x13 || tag === 0x16) typed.text();
	else if (tag === 0x17 || tag === 0x18) typed.time();
	return value;
}

function hasPrototypeMember(value: unknown): boolean {
	if (typeof value !== 'object' || value === null) return false;
	return Object.hasOwn(value, '__proto__') || Object.values(value).some(hasPrototypeMember);
}

function depthOf(value: unknown): number {
	if (typeof value !== 'object' || value === null) return 0;
	return 1 + Math.max(0, ...Object.values(value).map(depthOf));
}
