/** docs/divergences.md is kept true by tests: each row names at least one, and each that is named is there. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '..');
const page = readFileSync(join(ROOT, 'docs/divergences.md'), 'utf8');

const rows = page.split('\n').flatMap((line) => {
	const cells = line.split(/(?<!\\)\|/).slice(1, -1);
	return line.startsWith('| ') && cells[0]?.trim() !== 'upstream' ? [{ line, tests: cells.at(-1) ?? '' }] : [];
});

it('has a row for every kind of server', () => {
	const sections = page.split(/^## /m).slice(1);
	for (const section of sections)
		expect(section.match(/^\| (?!upstream)/gm)?.length, section.slice(0, 40)).toBeGreaterThan(2);
	expect(sections.length).toBeGreaterThan(7);
});

it.each(rows)('names a test that is there: $line', ({ line, tests }) => {
	const named = [...tests.matchAll(/`([^`]+)`/g)].map(([, path = '']) => path);
	expect(named.length, line).toBeGreaterThan(0);
	// Tests alone, so that a reader can run what pins the row.
	for (const path of named)
		expect([path, path.endsWith('.test.ts') && existsSync(join(ROOT, path))]).toEqual([path, true]);
});
