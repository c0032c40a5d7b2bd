import { describe, expect, it } from 'vitest';
import { KnownPaths } from './known-paths.ts';

describe('known paths', () => {
	const paths = new KnownPaths();
	paths.add('/api/v1/log', ['GET', 'HEAD']);
	paths.add('/api/v1/log/entries', ['GET']);
	paths.add('/api/v1/log/entries', ['post']);
	paths.add('/api/v1/log/entries/:entryUUID', ['GET']);
	paths.add('/tile/*', ['GET']);
	paths.add('/a.b', ['PUT']);
	paths.add('/', ['GET']);

	it.each<[string, string[]]>([
		['/api/v1/log', ['GET', 'HEAD']],
		['/api/v1/log/', []],
		['/api/v1/log/entries?logIndex=1', ['GET', 'POST']],
		['/api/v1/log/entries/abc', ['GET']],
		['/api/v1/log/entries/', []],
		['/api/v1/log/entries/a/b', []],
		['/tile/0/x001/067.p/4', ['GET']],
		['/tile/', ['GET']],
		['/a.b', ['PUT']],
		['/aXb', []],
		['/', ['GET']],
		['/API/v1/log', []],
		['*', []],
	])('%j accepts %j', (url, methods) => {
		expect(paths.methodsOf(url)).toEqual(methods);
	});

	it('answer a very long path as quickly as a short one is read', () => {
		expect(paths.methodsOf(`/api/v1/log/entries/${'a/'.repeat(100_000)}`)).toEqual([]);
	});
});
