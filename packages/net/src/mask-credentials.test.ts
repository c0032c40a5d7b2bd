import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { maskCredentials } from './mask-credentials.ts';

const JWT = 'eyJhbGciOiJFUzI1NiJ9.eyJlbWFpbCI6ImFAYi5jIn0.c2lnbmF0dXJl';
const PEM = String(generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }));

describe('what looks like a credential is cut out', () => {
	it.each([
		['a token', `open '${JWT}' failed`, "open '[redacted]' failed"],
		['a token without its signature', `open '${JWT.slice(0, 40)}'`, "open '[redacted]'"],
		['a token with a fourth part', `open '${JWT}.c2lnbmF0dXJl'`, "open '[redacted]'"],
		['a bearer value', 'authorization: bearer AbC123._-~+/=', 'authorization: bearer [redacted]'],
		['a basic value', 'Basic c2lnc3RvcmU6cw==', 'Basic [redacted]'],
		['a private key', `found ${PEM}!`, 'found [redacted]\n!'],
		['a private key in JSON', JSON.stringify({ pem: PEM }), '{"pem":"[redacted]\\n"}'],
		['half a private key', `found ${PEM.slice(0, 60)}`, 'found [redacted]'],
		['a password in a URL', 'at postgres://me:pa55@db.example/x?y=1', 'at postgres://me:[redacted]@db.example/x?y=1'],
		['a password with an at sign', 'postgres://me:p@55@db.example', 'postgres://me:[redacted]@db.example'],
	])('%s', (_what, text, masked) => {
		expect(maskCredentials(text)).toBe(masked);
	});
});

it.each([
	'GET http://localhost:7402/api/v2/trustBundle answered 404: Not Found',
	'alice@example.com signed at https://id.example.com:8443/auth?x=a@b',
	'-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA\n-----END PUBLIC KEY-----',
])('leaves alone: %s', (text) => {
	expect(maskCredentials(text)).toBe(text);
});

it('takes time in proportion to the text', () => {
	// In proportion to its square each of them would take minutes.
	const harmless = ['eyJ-', 'eyJaaaaaaa-', 'a.', 'a.b-', 'http://', 'a://b:', 'Bearer    ? ', '-----BEGIN '];
	for (const part of harmless) {
		const text = part.repeat(300_000);
		expect([part, maskCredentials(text) === text]).toEqual([part, true]);
	}
	expect(maskCredentials('-----BEGIN PRIVATE KEY-----'.repeat(40_000))).toBe('[redacted]');
});
