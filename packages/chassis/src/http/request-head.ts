/**
 * What must be right about the head of a request before anybody looks at what it asks for. Where a proxy and this server
 * could read the same bytes as two different requests, they are refused (RFC 9112 sections 3.2, 5 and 6; RFC 9110
 * section 10.1.1). The parser of node has refused the rest by then: folded lines, two lengths, bare line ends.
 */
import type { IncomingMessage } from 'node:http';
import { DomainError } from '../domain-error.ts';

/** A broken percent-escape, or an escaped NUL: no name of ours holds one, and databases and C libraries stumble over it. */
const BAD_ESCAPE = /%(?![0-9A-Fa-f]{2})|%00/;
/** The characters of `uri-host [ ":" port ]` (RFC 9112 section 3.2, RFC 3986 section 3.2.2); may be empty. */
const HOST = /^[\w.~!$&'()*+,;=%:[\]-]*$/;

/** The refusal of a head that must not be acted upon; its connection must not be used again. */
export function refusalOfHead(request: IncomingMessage): DomainError | undefined {
	const { httpVersion, headers } = request;
	if (httpVersion !== '1.1' && httpVersion !== '1.0')
		return new DomainError('malformed-request', 'the request is not valid HTTP/1.1');
	if (BAD_ESCAPE.test(request.url ?? '')) return new DomainError('malformed-request', 'the URL is not valid');
	return (
		refusalOfHost(request) ?? refusalOfCoding(httpVersion, headers['transfer-encoding']) ?? refusalOfExpect(request)
	);
}

/** True when the client waits for `100 Continue` before it sends the body. */
export function awaitsContinue({ httpVersion, headers: { expect } }: IncomingMessage): boolean {
	return httpVersion === '1.1' && expect !== undefined && /^100-continue$/i.test(expect);
}

/** Node keeps the first of several Hosts and says nothing of the others. */
function refusalOfHost({ httpVersion, rawHeaders, headers: { host } }: IncomingMessage): DomainError | undefined {
	let hosts = 0;
	for (let i = 0; i < rawHeaders.length; i += 2) {
		const name = rawHeaders[i] ?? '';
		if (name.length === 4 && name.toLowerCase() === 'host') hosts++;
	}
	if (host === undefined)
		return httpVersion === '1.0' ? undefined : new DomainError('malformed-request', 'the Host header is missing');
	if (hosts > 1) return new DomainError('malformed-request', 'there is more than one Host header');
	return HOST.test(host) ? undefined : new DomainError('malformed-request', 'the Host header is not valid');
}

function refusalOfCoding(httpVersion: string, coding: string | undefined): DomainError | undefined {
	if (coding === undefined) return undefined;
	if (httpVersion === '1.0')
		return new DomainError('malformed-request', 'HTTP/1.0 has no Transfer-Encoding: send a Content-Length');
	if (/^chunked$/i.test(coding)) return undefined;
	// What came is not repeated: a token may stand in any header, where a client or a proxy put it by mistake.
	return new DomainError(
		'unknown-transfer-coding',
		'the only Transfer-Encoding that is understood here is chunked, and another one came',
	);
}

function refusalOfExpect(request: IncomingMessage): DomainError | undefined {
	const { expect } = request.headers;
	// HTTP/1.0 knows no expectations: they say nothing.
	if (expect === undefined || request.httpVersion === '1.0' || awaitsContinue(request)) return undefined;
	return new DomainError(
		'unknown-expectation',
		'the only Expect that is understood here is 100-continue, and another one came',
	);
}
