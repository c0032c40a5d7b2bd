/**
 * The cases of request heads that no HTTP library would send. They are refused before a route is looked at, so each is a
 * cell of every route: a rule that one listener forgets would show here.
 */
import type { Cell, Example } from './cell.ts';
import { type ProbeRequest, sendRaw } from './probe.ts';
import type { Refusal } from './wires.ts';

/** What is sent in the place of an ordinary head and body. */
type Written = (request: ProbeRequest, host: string) => string;

const UNKNOWN_CODING: Refusal = { status: 501, says: /Transfer-Encoding/ };
const UNKNOWN_EXPECTATION: Refusal = { status: 417, says: /100-continue/ };
/** More than any route takes. */
const HUGE = 99_999_999;

export function headCells(example: Example): Cell[] {
	const { notHttp } = example.wire;
	const chunked = (coding: string) => written([`transfer-encoding: ${coding}`], '1\r\na\r\n0\r\n\r\n');
	return [
		raw(example, 'no Host', (request) => text(request, [], ''), notHttp),
		raw(example, 'two Hosts', written(['host: other.example']), notHttp),
		raw(example, 'a Host that is none', (request) => text(request, ['host: a b'], ''), notHttp),
		raw(example, 'a folded line', written(['x-folded: a', ' b']), notHttp),
		raw(example, 'a space before a colon', written(['x-spaced : a']), notHttp),
		raw(example, 'HTTP/0.9', ({ method, path }) => `${method} ${path}\r\n\r\n`, notHttp),
		raw(example, 'no HTTP', () => 'surprise\r\n\r\n', notHttp),
		raw(example, 'two lengths', written(['content-length: 1', 'content-length: 2'], 'ab'), notHttp),
		raw(example, 'a length and chunks', written(['content-length: 1', 'transfer-encoding: chunked'], 'a'), notHttp),
		raw(example, 'a coding after chunked', chunked('chunked, gzip'), notHttp),
		raw(example, 'a coding before chunked', chunked('gzip, chunked'), UNKNOWN_CODING),
		raw(example, 'another expectation', written(['expect: surprise']), UNKNOWN_EXPECTATION),
		...(example.body ? [hugeBody(example)] : []),
	];
}

/** The body is never sent: an answer that comes at all came before it, and `100 Continue` is none. */
function hugeBody(example: Example): Cell {
	const { body, wire } = example;
	const tooLarge = (body?.kind === 'json' && body.tooLarge) || wire.tooLarge;
	return raw(
		example,
		'a huge body that waits for 100 Continue',
		written(['expect: 100-continue', `content-length: ${HUGE}`]),
		tooLarge,
	);
}

function raw(example: Example, name: string, write: Written, expected: Refusal): Cell {
	return {
		name: `head with ${name}`,
		expected,
		send: async (baseUrl) => sendRaw(baseUrl, write(await example.request(), new URL(baseUrl).host)),
	};
}

function written(headers: readonly string[], body = ''): Written {
	return (request, host) => text(request, [`host: ${host}`, ...headers], body);
}

function text({ method, path, headers = {} }: ProbeRequest, more: readonly string[], body: string): string {
	const own = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
	return `${[`${method} ${path} HTTP/1.1`, ...own, ...more, 'connection: close'].join('\r\n')}\r\n\r\n${body}`;
}
