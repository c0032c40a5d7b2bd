/** docs/operate/troubleshooting.md has a line for every code, and for no other, in the section of the package that says it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { errorCodes } from './error-codes.ts';

const page = readFileSync(join(import.meta.dirname, '../docs/operate/troubleshooting.md'), 'utf8');
const inCode = await errorCodes();

/** Codes by section; a section names one package or several. */
const sections = page
	.split(/^## /m)
	.slice(1)
	.map((section) => {
		const [title = ''] = section.split('\n');
		const packages = [...title.matchAll(/`(\w+)`/g)].map(([, name = '']) => name);
		const cells = [...section.matchAll(/^\| (`[^|]+) \|/gm)].map(([, cell = '']) => cell);
		const codes = cells.flatMap((cell) => [...cell.matchAll(/`([^`]+)`/g)].map(([, code = '']) => code));
		return { title, packages, codes };
	});

it.each(sections)('$title', ({ packages, codes }) => {
	const expected = new Set(packages.flatMap((name) => inCode.get(name) ?? []));
	expect([...codes].sort()).toEqual([...expected].sort());
});

it('has a section for every package with codes', () => {
	expect(sections.flatMap(({ packages }) => packages).sort()).toEqual([...inCode.keys()].sort());
});
