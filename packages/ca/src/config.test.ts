import { readFileSync } from 'node:fs';
import { fieldsOf, markdownRows } from '@chancery/testkit/config-table';
import { describe, expect, it } from 'vitest';
import { configSchema } from './config.ts';

const rows = fieldsOf(configSchema);
const GOOD = {
	publicUrl: 'https://ca.example',
	chainPem: 'PEM',
	ctlog: { url: 'https://ct.example/', publicKeyPem: 'PEM' },
	issuers: [{ type: 'email', issuer: 'https://login.example' }],
	admin: { tokens: [] },
};

describe('the configuration', () => {
	it('says of every field what it is', () => {
		expect(rows.length).toBeGreaterThan(20);
		for (const { path, description } of rows.filter(({ path }) => !path.startsWith('admin.')))
			expect(description.length, path).toBeGreaterThan(20);
	});

	it('is the table in the README', () => {
		const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
		const section = readme.split('## Configuration\n')[1]?.split('\n## ')[0] ?? '';
		const wanted = markdownRows(rows.filter(({ path }) => !path.startsWith('admin.')));
		// The formatter aligns columns; the words are what counts.
		const cells = (line: string) => line.split('|').map((cell) => cell.trim());
		const table = section.split('\n').filter((line) => line.startsWith('| `'));
		expect(table.map(cells), `README.md must have these rows:\n${wanted.join('\n')}`).toEqual(wanted.map(cells));
	});

	it('takes slashes from the end of URLs and fills in what is safe', () => {
		const config = configSchema.parse(GOOD);
		expect(config.ctlog.url).toBe('https://ct.example');
		expect(config.issuers[0]).toMatchObject({ audience: 'sigstore', rules: [] });
	});

	it.each([
		{ name: 'an unknown field', change: { issuer: 'https://login.example' } },
		{ name: 'no issuer', change: { issuers: [] } },
		{ name: 'an issuer twice', change: { issuers: [GOOD.issuers[0], GOOD.issuers[0]] } },
		{ name: 'no CT log', change: { ctlog: undefined } },
		{ name: 'a profile of its own', change: { profile: 'development' } },
		{ name: 'a public URL that is none', change: { publicUrl: 'ca.example' } },
		{ name: 'a blocked key that is no hash', change: { blockedKeySha256: ['abc'] } },
	])('is refused with $name', ({ change }) => {
		expect(configSchema.safeParse({ ...GOOD, ...change }).success).toBe(false);
	});
});
