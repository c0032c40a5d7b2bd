import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { configSchema } from '../src/config.ts';

const fallbackOf = (value: unknown) => (value === undefined ? 'none' : `\`${JSON.stringify(value)}\``);

describe('README', () => {
	const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');

	it('has one row for each field of the configuration, as the schema describes it', () => {
		// The formatter pads the columns of tables.
		const lines = readme.split('\n').map((line) => line.replace(/\s+/g, ' ').trim());
		const rows = lines.filter((line) => /^\| `[a-zA-Z]+` \| /.test(line));
		const expected = Object.entries(configSchema().shape).map(([name, field]) => {
			const absent = field.safeParse(undefined);
			const fallback = absent.success ? fallbackOf(absent.data) : 'required';
			return `| \`${name}\` | ${fallback} | ${field.description} |`;
		});
		expect(rows).toEqual(expected);
	});
});
