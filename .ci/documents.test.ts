/** What the documents refer to is there: tests of the differences from upstream, records of decisions, files, headings. */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readPage } from '../packages/conformance/test/pages/page.ts';
import { PORT_OFFSETS } from '../packages/stack/src/port-offsets.ts';

const ROOT = join(import.meta.dirname, '..');
const textOf = (path: string) => readFileSync(join(ROOT, path), 'utf8');
const isThere = (path: string) => existsSync(join(ROOT, path));

describe('docs/divergences.md', () => {
	const sections = textOf('docs/divergences.md').split(/^## /m).slice(1);
	const rows = sections.flatMap((section) => section.match(/^\| (?!upstream).*$/gm) ?? []);

	it('has a table for every kind of server', () => {
		for (const section of sections)
			expect(section, section.slice(0, 40)).toMatch(/^\| upstream \| here \| why \| test \|$/m);
		expect([sections.length, rows.length]).toEqual([expect.toSatisfy((n) => n > 7), expect.toSatisfy((n) => n > 60)]);
	});

	it.each(rows)('names a test that is there: %s', (row) => {
		const cells = row.split(' | ');
		expect(cells.length, 'upstream, here, why, test').toBe(4);
		const named = [...cells.at(-1)!.matchAll(/`([^`]+)`/g)].map(([, path = '']) => path);
		expect(named.length).toBeGreaterThan(0);
		expect(named.filter((path) => !path.endsWith('.test.ts') || !isThere(path))).toEqual([]);
	});
});

describe('docs/adr', () => {
	const records = readdirSync(join(ROOT, 'docs/adr')).filter((name) => name !== 'README.md');

	it('is indexed whole, in order', () => {
		const linked = [...textOf('docs/adr/README.md').matchAll(/^\| \[\d{4}\]\(([^)]+)\)/gm)].map(([, name]) => name);
		expect(linked).toEqual(records.sort());
	});

	it.each(records)('%s has its number, and says what was decided, against what, and what is no goal', (name) => {
		const headings = textOf(`docs/adr/${name}`).match(/^#+ .*$/gm) ?? [];
		expect(headings[0]).toMatch(new RegExp(`^# ${/^\d{4}/.exec(name)?.[0]}: `));
		const parts = ['Context', 'Decision', 'Decided against', 'Consequences', 'Not a goal'];
		expect(headings.slice(1)).toEqual(parts.map((part) => `## ${part}`));
	});
});

it('docs/operate/README.md has the ports that an instance has', () => {
	const rows = textOf('docs/operate/README.md').matchAll(/^\| `(\w+)`[^|]* \| (\d+) \| (\d+) \| ([^|]+) \|$/gm);
	// Both logs are one service, with one admin listener.
	const told = [...rows].map(([, service = '', port, admin, address = '']) => {
		const name = /https:\/\/(\w+)\./.exec(address)?.[1] ?? service;
		return [name, Number(port), Number(admin) - 7420 + 7400, service] as const;
	});
	const offsetOf = (name: string) => PORT_OFFSETS[name as keyof typeof PORT_OFFSETS];
	expect(told.map(([name, port]) => [name, port])).toEqual(told.map(([name]) => [name, 7400 + offsetOf(name)]));
	expect(told.map(([, , admin]) => admin)).toEqual(told.map(([, , , service]) => 7400 + offsetOf(service)));
	expect(told.map(([name]) => name)).toEqual(['identity', 'ca', 'log', 'log2', 'ctlog', 'tsa', 'tuf']);
});

/** What a heading is called in a link, as hosted repositories have it. */
const anchorOf = (heading: string) =>
	heading
		.toLowerCase()
		.replace(/[^\p{L}\p{N}\s_-]/gu, '')
		.replaceAll(' ', '-');

const pages = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '*.md'], {
	cwd: ROOT,
	encoding: 'utf8',
})
	.split('\n')
	.filter((path) => path !== '' && !path.includes('/testdata/') && isThere(path));

it.each(pages)('%s names files of packages that are there', (page) => {
	const named = [...textOf(page).matchAll(/`(packages\/[\w./-]+\.(?:ts|md|sql|c))`/g)].map(([, path = '']) => path);
	expect(named.filter((path) => !isThere(path))).toEqual([]);
});

it.each(pages)('links of %s lead to files and headings', (page) => {
	const prose = textOf(page).replace(/^```[\s\S]*?^```$/gm, '');
	const dead = [...prose.matchAll(/\]\((?!https?:|mailto:)([^)\s]+)\)/g)].flatMap(([, link = '']) => {
		const [file = '', anchor] = link.split('#');
		const path = file === '' ? page : join(dirname(page), file);
		if (!isThere(path)) return [link];
		if (anchor === undefined || !path.endsWith('.md')) return [];
		const headings = (textOf(path).match(/^#+ .*$/gm) ?? []).map((heading) => anchorOf(heading.replace(/^#+ /, '')));
		return headings.includes(anchor) ? [] : [link];
	});
	expect(dead).toEqual([]);
});

/** Whose blocks `npm run test:pages` runs; here is seen, within seconds, that each says how. */
const run = pages.filter((path) => /^(README\.md|docs\/(clients|operate)\/.*)$/.test(path));

it.each(run)('%s has no block that nobody runs', (page) => {
	expect(readPage(textOf(page)).faults).toEqual([]);
});
