import { SeededRandom } from '@chancery/testkit/seeded-random';
import { describe, expect, it } from 'vitest';
import { formTargetOf, redirectUriAllowed } from './redirect-uri.ts';

const LOOPBACK_HOSTS = ['localhost', '[::1]'];

describe('a redirect URI', () => {
	it.each([
		'http://localhost',
		'http://localhost:1',
		'http://localhost:65535/auth/callback',
		'http://localhost?x=1',
		'http://127.0.0.1:80/Callback',
		'http://127.9.8.7/',
		'http://[::1]:5000/a/b?c=d&e=%20',
		'urn:ietf:wg:oauth:2.0:oob',
	])('may be %s', (uri) => {
		expect(redirectUriAllowed(uri)).toBe(true);
	});

	it.each([
		'',
		'http://',
		'HTTP://localhost/',
		'http://LOCALHOST/',
		'http://localhost:65536/',
		'http://127.0.0.256/',
		'http://127.1/',
		'http://0x7f.0.0.1/',
		'http://[::ffff:127.0.0.1]/',
		'http://localhost./',
		'http://localhost:80:80/',
		'http://localhost:80@evil.example/',
		'http://localhost\\.evil.example/',
		'http://localhost/ x',
		'http://localhost/\r\nx: y',
		'http://localhost/#',
		'http://localhost\u3002evil.example/',
		' http://localhost/',
		`http://localhost/${'a'.repeat(3000)}`,
	])('may not be %j', (uri) => {
		expect(redirectUriAllowed(uri)).toBe(false);
	});

	it('is never one that leads a browser to another host, for random texts', () => {
		const random = new SeededRandom(20260401);
		const pieces = [
			'http://',
			'https://',
			'localhost',
			'127.0.0.1',
			'[::1]',
			':',
			'80',
			'@',
			'/',
			'\\',
			'#',
			'?',
			'.',
			'evil.example',
			'%2f',
			'\t',
			'//',
			';',
			'\u2044',
			'a',
		];
		let allowed = 0;
		for (let i = 0; i < 200_000; i++) {
			let uri = random.chance(80) ? 'http://localhost' : '';
			uri += random.text(pieces, 1 + random.below(6));
			if (!redirectUriAllowed(uri)) continue;
			allowed++;
			const { hostname, protocol, username, password, hash } = new URL(uri);
			expect(LOOPBACK_HOSTS.includes(hostname) || hostname.startsWith('127.'), uri).toBe(true);
			expect({ protocol, username, password, hash }, uri).toEqual({
				protocol: 'http:',
				username: '',
				password: '',
				hash: '',
			});
		}
		expect(allowed).toBeGreaterThan(1000);
	});

	it('tells the login page where its form may lead', () => {
		expect(formTargetOf('http://localhost:1234/x?y', [])).toBe('http://localhost:1234');
		expect(formTargetOf('http://[::1]:1234/x', [])).toBe('http:');
		for (const none of ['urn:ietf:wg:oauth:2.0:oob', 'https://evil.example', undefined, 7])
			expect(formTargetOf(none, [])).toBeUndefined();
	});
});
