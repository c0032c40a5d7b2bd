import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { ERRORS } from './errors.ts';

describe('the table of errors', () => {
	it.each(Object.keys(ERRORS))('%s is raised by a test', (code) => {
		const folder = fileURLToPath(new URL('../', import.meta.url));
		const tests = globSync(['src/**/*.test.ts', 'test/*.test.ts'], { cwd: folder }).filter(
			(name) => !name.endsWith('errors.test.ts'),
		);
		// The last two are said in words by the router's own tests.
		const words = { 'not-found': 'Not Found', 'method-not-allowed': 'Method Not Allowed' }[code] ?? `'${code}'`;
		expect(tests.some((name) => readFileSync(`${folder}/${name}`, 'utf8').includes(words))).toBe(true);
	});
});
