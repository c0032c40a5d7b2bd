/** The cases of routes that take a body: JSON and its fields, DER, forms, media types. */
import type { Base64Rules, Cell, DerBody, Example, Expected, Field, FormBody, JsonBody } from './cell.ts';
import { type Change, changed } from './change.ts';
import type { ProbeRequest } from './probe.ts';
import type { Refusal } from './wires.ts';

const FIVE_MB = 5 * 1024 * 1024;
/** A header that names no media type at all is refused by every listener. */
const NO_MEDIA_TYPE: Refusal = { status: 415 };

type Json = Record<string, unknown>;

export function bodyCells(example: Example, body: JsonBody | DerBody | FormBody): Cell[] {
	switch (body.kind) {
		case 'json':
			return jsonCells(example, body);
		case 'der':
			return derCells(example, body);
		case 'form':
			return formCells(example, body);
	}
}

const NOT_JSON: Readonly<Record<string, string | Uint8Array>> = {
	words: 'surprise',
	'an open brace': '{',
	'single quotes': "{'a':1}",
	XML: '<a/>',
	'a trailing comma': '{"a":1,}',
	'two values': '{} {}',
	'bytes that are no UTF-8': Uint8Array.of(0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d),
	NaN: '{"a":NaN}',
	'a NUL': '{}\0',
	'10,000 open brackets': '['.repeat(10_000),
};

const NO_MESSAGE: Readonly<Record<string, string>> = {
	'an array': '[]',
	'a string': '"surprise"',
	'a number': '1',
	true: 'true',
};

const WRONG_VALUES: Readonly<Record<Field['is'], unknown>> = {
	text: 'surprise',
	number: 7,
	boolean: true,
	array: [],
	object: {},
};

function jsonCells(example: Example, body: JsonBody): Cell[] {
	const { wire } = example;
	const { notJson = wire.notJson, invalid = wire.invalid, tooLarge = wire.tooLarge } = body;
	const as =
		(text: string | Uint8Array): Change =>
		(r) => ({ ...r, body: text });
	const edit =
		(change: (json: Json) => void): Change =>
		(r) => {
			const json = JSON.parse(String(r.body)) as Json;
			change(json);
			return { ...r, body: JSON.stringify(json) };
		};
	// A list has no names: what is put beside its items is not sent.
	const objects = body.fields.map(({ path }) => path.split('.')).filter((names) => !/^\d+$/.test(names.at(-1) ?? ''));
	const parents = [...new Set(objects.map((names) => names.slice(0, -1).join('.')))];
	return [
		changed(example, 'no body', ({ body: _none, ...r }) => r, body.noBody),
		changed(example, 'an empty body', as(''), body.noBody),
		...Object.entries(NOT_JSON).map(([name, text]) => changed(example, `not JSON: ${name}`, as(text), notJson)),
		...Object.entries(NO_MESSAGE).map(([name, text]) => changed(example, `${name} as body`, as(text), invalid)),
		changed(example, 'null as body', as('null'), body.nullBody),
		...parents.map((path) => {
			const where = path === '' ? '' : ` within ${path}`;
			const expected = path === '' ? body.unknown : (body.unknownWithin ?? body.unknown);
			return changed(
				example,
				`an unknown field${where}`,
				edit((json) => put(json, join(path, 'surprise'), 1)),
				expected,
			);
		}),
		...(body.snakeCase === undefined ? [] : [changed(example, 'snake_case', snakeCased, body.snakeCase)]),
		...(body.snakeCase === undefined ? [changed(example, 'no name of two words', oneWordNames, 'accepted')] : []),
		changed(
			example,
			'5 MB in one field',
			edit((json) => put(json, 'surprise', 'a'.repeat(FIVE_MB))),
			body.isRoomy ? body.unknown : tooLarge,
		),
		changed(example, '5 MB of spaces', as(' '.repeat(FIVE_MB)), body.isRoomy ? notJson : tooLarge),
		changed(example, '20,000 numbers', as(`[${'1,'.repeat(20_000)}1]`), body.isTight ? tooLarge : notJson),
		...contentTypes(example, {
			'application/json; charset=utf-8': 'accepted',
			'APPLICATION/JSON': 'accepted',
			'text/plain': body.otherType,
			'application/xml': body.otherApplicationType ?? body.otherType,
			'application/x-www-form-urlencoded': body.otherApplicationType ?? body.otherType,
			'multipart/form-data; boundary=x': body.otherType,
			surprise: NO_MEDIA_TYPE,
			...(body.otherApplicationType ? { 'application/surprise': body.otherApplicationType } : {}),
			'': body.noType,
		}),
		...body.fields.flatMap((field) => fieldCells(example, field, invalid, edit)),
	];
}

function fieldCells(
	example: Example,
	field: Field,
	invalid: Refusal,
	edit: (change: (json: Json) => void) => Change,
): Cell[] {
	const { path, is, absent, isNull = absent, wrongType = invalid, base64, pem, der } = field;
	const text = (change: (text: string) => string) => edit((json) => put(json, path, change(String(get(json, path)))));
	return [
		changed(
			example,
			`${path} is null`,
			edit((json) => put(json, path, null)),
			isNull,
		),
		changed(
			example,
			`${path} is left out`,
			edit((json) => put(json, path, undefined)),
			absent,
		),
		...Object.entries(WRONG_VALUES)
			.filter(([type]) => type !== is)
			.map(([type, value]) =>
				changed(
					example,
					`${path} is of type ${type}`,
					edit((json) => put(json, path, value)),
					wrongType,
				),
			),
		...(base64 ? base64Cells(example, path, base64, text) : []),
		...(pem ? pemCells(example, path, pem, text) : []),
		...(der ? derFieldCells(example, path, der, text) : []),
	];
}

function base64Cells(
	example: Example,
	path: string,
	rules: Base64Rules,
	text: (change: (text: string) => string) => Change,
): Cell[] {
	const kinds: Readonly<Record<keyof Base64Rules, (value: string) => string>> = {
		alphabet: (value) => `!${value.slice(1)}`,
		// Without padding to lose, a digit: whoever is strict notices both.
		noPadding: (value) => (value.endsWith('=') ? value.replace(/=+$/, '') : value.slice(0, -1)),
		extraPadding: (value) => `${value}=`,
		urlSafe: (value) => (/[+/]/.test(value) ? value.replaceAll('+', '-').replaceAll('/', '_') : `-_${value.slice(2)}`),
		space: (value) => `${value.slice(0, 4)} ${value.slice(4)}`,
		lineEnd: (value) => `${value.slice(0, 4)}\n${value.slice(4)}\n`,
	};
	return (Object.keys(kinds) as (keyof Base64Rules)[]).map((kind) =>
		changed(example, `${path} in base64: ${kind}`, text(kinds[kind]), rules[kind]),
	);
}

/** PEM as it is, or in base64. */
function pemCells(
	example: Example,
	path: string,
	refusal: Refusal,
	text: (change: (text: string) => string) => Change,
): Cell[] {
	const within = (change: (pem: string) => string) =>
		text((value) => {
			if (value.startsWith('-----')) return change(value);
			return Buffer.from(change(Buffer.from(value, 'base64').toString('latin1')), 'latin1').toString('base64');
		});
	const der = (change: (bytes: Buffer) => Buffer) =>
		within((pem) => {
			const [, head = '', base64 = '', tail = ''] = /^(-----[^\n]+-----\n)([^-]+)(-----.*)$/s.exec(pem) ?? [];
			return `${head}${change(Buffer.from(base64, 'base64')).toString('base64')}\n${tail}`;
		});
	// No label stays what it was.
	const label = (name: string) =>
		within((pem) =>
			pem.replace(
				/(BEGIN|END) ([A-Z0-9 ]+)-----/g,
				(_, edge, own) => `${edge} ${own === name ? 'SURPRISE' : name}-----`,
			),
		);
	return [
		...['PRIVATE KEY', 'PUBLIC KEY', 'CERTIFICATE', 'SSH PUBLIC KEY', 'X509 CRL', 'SURPRISE'].map((name) =>
			changed(example, `${path} is PEM of ${name}`, label(name), refusal),
		),
		changed(
			example,
			`${path} is PEM with another end`,
			within((pem) => pem.replace(/END [A-Z0-9 ]+-----/, 'END X-----')),
			refusal,
		),
		changed(
			example,
			`${path} is PEM without its end`,
			within((pem) => pem.replace(/-----END.*$/s, '')),
			refusal,
		),
		changed(
			example,
			`${path} is PEM of truncated DER`,
			der((bytes) => bytes.subarray(0, -3)),
			refusal,
		),
		changed(
			example,
			`${path} is PEM of DER with bytes behind it`,
			der((bytes) => Buffer.concat([bytes, Buffer.alloc(3)])),
			refusal,
		),
		changed(
			example,
			`${path} is PEM of nothing`,
			der(() => Buffer.alloc(0)),
			refusal,
		),
	];
}

const DER_CHANGES: Readonly<Record<string, (der: Buffer) => Buffer>> = {
	'cut after the first byte': (der) => der.subarray(0, 1),
	'cut in the middle': (der) => der.subarray(0, der.length >> 1),
	'without its last byte': (der) => der.subarray(0, -1),
	'with a byte behind it': (der) => Buffer.concat([der, Buffer.alloc(1)]),
	twice: (der) => Buffer.concat([der, der]),
	'of indefinite length': (der) =>
		Buffer.concat([der.subarray(0, 1), Buffer.of(0x80), der.subarray(2), Buffer.alloc(2)]),
	'with a length of 2^63': (der) => Buffer.concat([der.subarray(0, 1), Buffer.of(0x88, 0x7f), Buffer.alloc(7, 0xff)]),
	'of zeros': () => Buffer.alloc(64),
	'5,000 levels deep': () => Buffer.alloc(10_000, Buffer.of(0x30, 0x80)),
};

function derFieldCells(
	example: Example,
	path: string,
	refusal: Refusal,
	text: (change: (text: string) => string) => Change,
): Cell[] {
	return Object.entries(DER_CHANGES).map(([name, change]) =>
		changed(
			example,
			`${path} is DER ${name}`,
			text((value) => change(Buffer.from(value, 'base64')).toString('base64')),
			refusal,
		),
	);
}

function derCells(example: Example, body: DerBody): Cell[] {
	const bytes =
		(change: (der: Buffer) => Buffer | string): Change =>
		(r) => ({ ...r, body: change(Buffer.from(r.body as Uint8Array)) });
	return [
		changed(example, 'no body', ({ body: _none, ...r }) => r, body.malformed),
		...Object.entries(DER_CHANGES).map(([name, change]) =>
			changed(example, `DER ${name}`, bytes(change), body.malformed),
		),
		changed(
			example,
			'JSON',
			bytes(() => '{}'),
			body.malformed,
		),
		changed(
			example,
			'base64',
			bytes((der) => der.toString('base64')),
			body.malformed,
		),
		changed(
			example,
			'PEM',
			bytes((der) => `-----BEGIN X-----\n${der.toString('base64')}\n-----END X-----\n`),
			body.malformed,
		),
		changed(
			example,
			'5 MB',
			bytes(() => Buffer.alloc(FIVE_MB, 0x30)),
			example.wire.tooLarge,
		),
		...contentTypes(example, {
			'application/surprise': body.otherApplicationType,
			'application/octet-stream': body.otherApplicationType,
			'text/plain': body.otherType,
			surprise: body.otherType,
			'': body.otherType,
		}),
	];
}

function formCells(example: Example, body: FormBody): Cell[] {
	const as =
		(text: string | Uint8Array): Change =>
		(r) => ({ ...r, body: text });
	return [
		changed(example, 'no body', ({ body: _none, ...r }) => r, body.garbage),
		changed(example, 'words', as('surprise'), body.garbage),
		changed(example, 'broken escapes', as('grant_type=%zz&client_id=%'), body.escapes),
		changed(example, 'NUL', as('grant_type=%00&client_id=%00'), body.escapes),
		changed(example, 'bytes that are no UTF-8', as(Uint8Array.of(0xff, 0xfe, 0x3d, 0xff)), body.garbage),
		changed(example, '5 MB', as(`a=${'a'.repeat(FIVE_MB)}`), example.wire.tooLarge),
		...contentTypes(example, {
			'application/json': body.otherType,
			'text/plain': body.otherType,
			'multipart/form-data; boundary=x': body.otherType,
		}),
	];
}

function contentTypes(example: Example, expected: Readonly<Record<string, Expected>>): Cell[] {
	const typed =
		(type: string): Change =>
		(r) => {
			const { 'content-type': _own, ...headers } = r.headers ?? {};
			return { ...r, headers: type === '' ? headers : { ...headers, 'content-type': type } };
		};
	return [
		...Object.entries(expected).map(([type, answer]) =>
			changed(example, `content type ${type || 'none'}`, typed(type), answer),
		),
		...['gzip', 'surprise'].map((encoding) =>
			changed(
				example,
				`content encoding ${encoding}`,
				(r) => ({ ...r, headers: { ...r.headers, 'content-encoding': encoding } }),
				example.wire.contentEncoding,
			),
		),
	];
}

const join = (path: string, name: string) => (path === '' ? name : `${path}.${name}`);

function get(json: Json, path: string): unknown {
	return path.split('.').reduce<unknown>((value, name) => (value as Json)[name], json);
}

function put(json: Json, path: string, value: unknown): void {
	const names = path.split('.');
	const last = names.pop() ?? '';
	const parent = names.reduce<unknown>((inner, name) => (inner as Json)[name], json) as Json;
	parent[last] = value;
}

/** Holds the example to what it says of itself: without a cell for snake_case it has nothing to rename. */
function oneWordNames(r: ProbeRequest): ProbeRequest {
	if (snakeCased(r).body !== JSON.stringify(JSON.parse(String(r.body)))) throw new Error('a name has two words');
	return r;
}

/** Every name as protocol buffers declare it; `payloadType` of a DSSE envelope is declared like that. */
function snakeCased(r: ProbeRequest): ProbeRequest {
	const renamed = (value: unknown): unknown => {
		if (Array.isArray(value)) return value.map(renamed);
		if (typeof value !== 'object' || value === null) return value;
		const snake = (name: string) =>
			name === 'payloadType' ? name : name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
		return Object.fromEntries(Object.entries(value).map(([name, member]) => [snake(name), renamed(member)]));
	};
	return { ...r, body: JSON.stringify(renamed(JSON.parse(String(r.body)))) };
}
