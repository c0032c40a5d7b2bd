import { join } from 'node:path';
import { expect, it } from 'vitest';
import { databaseTests } from './database-tests.ts';
import { readSourceTree } from './house/source-tree.ts';

const tree = readSourceTree(join(import.meta.dirname, '..'));

it('finds the tests that make a database, themselves or by what they import', () => {
	const found = databaseTests(tree, ['packages/postgres', 'packages/tlog', 'packages/log']);
	expect(found).toContain('packages/postgres/src/migrate.test.ts');
	// By `log-world.ts`, and by `log-under-test.ts`.
	expect(found).toContain('packages/tlog/test/history.test.ts');
	expect(found).toContain('packages/log/test/v1-read.test.ts');
});

it('leaves out what starts servers of its own, what needs none, and other packages', () => {
	const found = databaseTests(tree, ['packages/postgres', 'packages/log']);
	expect(found).not.toContain('packages/postgres/src/embedded/embedded.test.ts');
	expect(found).not.toContain('packages/log/src/config.test.ts');
	expect(found.filter((path) => !/^packages\/(postgres|log)\//.test(path))).toEqual([]);
});

it('knows every way to the server', () => {
	const asking = [...tree.sources.values()].filter(({ text }) => /\binject\('postgresUrl'\)/.test(text));
	expect(asking.length).toBeGreaterThan(0);
	for (const { path, imports } of asking)
		expect(
			imports.map(({ target }) => target),
			path,
		).toContain('packages/testkit/src/test-server.ts');
});
