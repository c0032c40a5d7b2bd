import { networkInterfaces } from 'node:os';
import { describe, expect, it } from 'vitest';
import { checkHostName } from './addresses.ts';
import { findListenPlace } from './listen-place.ts';

const beyond = Object.values(networkInterfaces())
	.flatMap((found) => found ?? [])
	.find(({ family, internal }) => family === 'IPv4' && !internal)?.address;

describe('an instance listens', () => {
	it('on loopback unless it is told otherwise', async () => {
		expect(await findListenPlace('localhost', undefined)).toEqual({
			host: 'localhost',
			addresses: ['127.0.0.1', '::1'],
			isBeyondLoopback: false,
		});
		expect(await findListenPlace('localhost', '127.0.0.1')).toMatchObject({ isBeyondLoopback: false });
	});

	it('beyond loopback when it is told to', async () => {
		expect(await findListenPlace('localhost', '0.0.0.0')).toEqual({
			host: '0.0.0.0',
			addresses: ['0.0.0.0'],
			isBeyondLoopback: true,
		});
		expect(await findListenPlace('localhost', '::')).toMatchObject({ host: '::', isBeyondLoopback: true });
	});
});

describe('an instance does not start', () => {
	it.each([
		['at an address of another machine', 'localhost', '192.0.2.1', /192\.0\.2\.1 is no address of this machine/],
		['at a name for an address', 'localhost', 'example.com', /is not an IP address/],
		['under a name that nobody knows', 'no-such-host.invalid', undefined, /is not known to this machine's resolver/],
	])('%s', async (_, hostName, listen, words) => {
		await expect(findListenPlace(hostName, listen)).rejects.toThrow(words);
	});

	it.runIf(beyond !== undefined)('on an address to which its name does not lead', async () => {
		await expect(findListenPlace('localhost', beyond)).rejects.toThrow(/localhost leads to .*choose another name/);
	});
});

describe('the name of an instance', () => {
	it.each(['localhost', 'sign.example.com', 'a', 'x1-y.z'])('may be %s', (name) => {
		expect(checkHostName(name)).toBe(name);
	});

	it.each([
		'',
		'Sign.example.com',
		'example.com.',
		'a..b',
		'-a.b',
		'a-.b',
		'http://a',
		'a:80',
		'a/b',
		'127.0.0.1',
		'::1',
		'1.2',
		'a'.repeat(64),
		`${'a.'.repeat(120)}a`,
		'a b',
		'ä.example',
	])('is not %j', (name) => {
		expect(() => checkHostName(name)).toThrow(/--host/);
	});
});
