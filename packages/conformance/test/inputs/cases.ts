/**
 * The cases by kind. Which of them make cells of a route follows from the shape of its example and from nothing else: a
 * route that takes no body has no body to be wrong. No case is ever left out by name.
 */

import { bodyCells } from './body-cases.ts';
import type { Cell, Example, Expected, PathParameter, QueryParameter } from './cell.ts';
import { type Change, cell, changed } from './change.ts';
import { headCells } from './head-cases.ts';
import { sendRaw } from './probe.ts';

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'PROPFIND'];

/** All cells of one example. `methods` are those that the path has, over all its registrations. */
export function cellsOf(example: Example, methods: readonly string[]): Cell[] {
	const { body, query = [], parameter } = example;
	return [
		...accepted(example),
		...wrongMethods(example, methods),
		...badPaths(example),
		...slashes(example),
		...headCells(example),
		...(body ? bodyCells(example, body) : []),
		...query.flatMap((one) => queryCells(example, one)),
		...(parameter ? parameterCells(example, parameter) : []),
		...(example.own ?? []).map(({ name, request, expected }) => cell(name, request, expected)),
	];
}

function accepted(example: Example): Cell[] {
	const request = example.request;
	const query = (path: string) => `${path}${path.includes('?') ? '&' : '?'}surprise=1`;
	return [
		cell('the example as it is', request, 'accepted'),
		changed(example, 'an unknown query parameter', (r) => ({ ...r, path: query(r.path) }), 'accepted'),
	];
}

function wrongMethods(example: Example, methods: readonly string[]): Cell[] {
	const expected = example.wire.wrongMethod;
	return METHODS.filter((method) => !methods.includes(method)).map((method) =>
		changed(example, `method ${method}`, (r) => ({ ...r, method }), expected),
	);
}

function badPaths(example: Example): Cell[] {
	const { wire } = example;
	const { below = wire.unknownPath, slash = wire.unknownPath, overlong = wire.unknownPath } = example.longerPath ?? {};
	const at = (name: string, change: (path: string) => string, expected: Expected) =>
		changed(
			example,
			`path with ${name}`,
			(r) => {
				const [path = '', query] = r.path.split('?');
				return { ...r, path: change(path) + (query === undefined ? '' : `?${query}`) };
			},
			expected,
		);
	const beyond = (path: string, more: string) => (path.endsWith('/') ? path + more : `${path}/${more}`);
	return [
		at('an escaped NUL', (path) => `${path}%00`, wire.badUrl),
		at('a broken escape', (path) => `${path}%zz`, wire.badUrl),
		at('an escape cut short', (path) => `${path}%2`, wire.badUrl),
		at('dot segments before it', (path) => `/surprise/..${path}`, wire.unknownPath),
		at('escaped dot segments after it', (path) => beyond(path, '%2e%2e/%2e%2e/etc/passwd'), below),
		at('an encoded slash', (path) => `${path}%2fsurprise`, slash),
		at('3,000 more characters', (path) => path + 'a'.repeat(3_000), overlong),
		at('20,000 more characters', (path) => path + 'a'.repeat(20_000), wire.headersTooLarge),
		{
			name: 'path with a bare NUL',
			expected: wire.badUrl,
			send: async (baseUrl) => {
				const { method, path } = await example.request();
				return sendRaw(
					baseUrl,
					`${method} ${path}\0 HTTP/1.1\r\nhost: ${new URL(baseUrl).host}\r\nconnection: close\r\n\r\n`,
				);
			},
		},
	];
}

/** Base URLs that end in a slash lead to `//...`; what else is cleaned is a matter of the wire. */
function slashes(example: Example): Cell[] {
	const { wire, longerPath, parameter } = example;
	const at = (name: string, change: (path: string) => string, expected: Expected) =>
		changed(example, name, (r) => ({ ...r, path: change(r.path) }), expected);
	const doubled = (path: string) => path.replace(/^(\/[^/?]+)\//, '$1//');
	const front = at('path with two slashes in front', (path) => `/${path}`, 'accepted');
	if (wire.cleansPaths)
		return [
			front,
			at('path with doubled slashes', doubled, 'accepted'),
			at('path with a slash at its end', (path) => path.replace(/(?=\?|$)/, '/'), 'accepted'),
		];
	// What lies below a parameter or `*` is the route's business.
	const isFixed = longerPath === undefined && parameter === undefined && !/[:*]/.test(example.route);
	if (!isFixed || !/ \/[^/]+\//.test(example.route)) return [front];
	return [
		front,
		at('path with doubled slashes', doubled, wire.unknownPath),
		at('path with a slash at its end', (path) => path.replace(/(?=\?|$)/, '/'), wire.unknownPath),
	];
}

const NO_INDEX = [
	'-1',
	'-0',
	'+1',
	'1.5',
	'1e3',
	'0x10',
	'1_000',
	'٣',
	'%20',
	'',
	'surprise',
	'9007199254740992',
	'9'.repeat(400),
	"1'--",
];
const NO_TREE = ['-1', '0', '1', 'surprise', '9'.repeat(20), '9'.repeat(400), '1.5'];
const NO_BASE64 = ['%21%21%21%21', 'AAA', 'AAAA=', '-_-_', 'AA%20AA', 'A', ''];

function queryCells(example: Example, parameter: QueryParameter): Cell[] {
	const { name, is, bad, twice = bad, huge, absent } = parameter;
	const edit =
		(change: (value: string) => string | undefined): Change =>
		(r) => {
			const [path, query = ''] = r.path.split('?');
			const pairs = query.split('&').flatMap((pair) => {
				const [key = '', value = ''] = pair.split('=');
				const next = key === name ? change(value) : pair;
				return next === undefined ? [] : key === name ? [next.replace(/^/, `${name}=`)] : [pair];
			});
			return { ...r, path: pairs.length === 0 ? `${path}` : `${path}?${pairs.join('&')}` };
		};
	const values = { index: NO_INDEX, tree: NO_TREE, base64: NO_BASE64 }[is];
	return [
		...values.map((value) =>
			changed(
				example,
				`${name}=${value.slice(0, 20)}${value.length > 20 ? '...' : ''}`,
				edit(() => encodeURI(decodeURI(value))),
				bad,
			),
		),
		changed(
			example,
			`${name} left out`,
			edit(() => undefined),
			absent,
		),
		changed(
			example,
			`${name} twice`,
			edit((value) => `${value}&${name}=${value}`),
			twice,
		),
		...(huge === undefined
			? []
			: [
					changed(
						example,
						`${name}=2^53-1`,
						edit(() => '9007199254740991'),
						huge,
					),
				]),
	];
}

function parameterCells(example: Example, parameter: PathParameter): Cell[] {
	return Object.entries(parameter.values).map(([value, expected]) =>
		changed(
			example,
			`parameter ${value.length > 60 ? `${value.slice(0, 60)}...` : value}`,
			(r) => ({ ...r, path: placed(example, r.path, value) }),
			expected,
		),
	);
}

/** The path with `value` in the place of what the pattern leaves open. */
function placed(example: Example, path: string, value: string): string {
	const pattern = example.route.split(' ')[3] ?? '';
	const fixed = pattern.replace(/(:[A-Za-z]+|\*)$/, '');
	const open = fixed
		.split(/:[A-Za-z]+/)
		.map(RegExp.escape)
		.join('[^/]+');
	const before = new RegExp(`^${open}`).exec(path)?.[0];
	if (fixed === pattern || before === undefined) throw new Error(`${pattern} has no closing parameter`);
	return before + value;
}
