/** The page of all series is what the packages declare, and each name means one thing. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { ALL_SERIES, SERIES_PAGE, withSeriesTables } from './series.ts';

it('docs/operate/metrics.md is as `npm run metrics` prints it', () => {
	const page = readFileSync(join(import.meta.dirname, '..', SERIES_PAGE), 'utf8');
	expect(page).toBe(withSeriesTables(page));
});

it('no two packages use one name', () => {
	const names = ALL_SERIES.map(({ name }) => name);
	expect(names.filter((name, i) => names.indexOf(name) !== i)).toEqual([]);
});

it('each series says which question it answers', () => {
	for (const { name, question } of ALL_SERIES) expect(question, name).toMatch(/^[A-Z].{8,}\?$/);
});
