/** The table of faults fits the code and the page. Whether each fault is caught takes minutes: `npm run test:mutation`. */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { applyEdits, INVARIANTS } from './fault.ts';
import { FAULTS, renderPage } from './faults.ts';

const packages = fileURLToPath(new URL('../../../', import.meta.url));
const read = (file: string) => readFileSync(`${packages}${file}`, 'utf8');

describe('the faults', () => {
	it('break every promise of the log, each with a name of its own', () => {
		expect(new Set(FAULTS.map(({ invariant }) => invariant)).size).toBe(INVARIANTS.length);
		expect(new Set(FAULTS.map(({ name }) => name)).size).toBe(FAULTS.length);
	});

	it.each(FAULTS.map((fault) => [fault.name, fault] as const))('"%s" can be made in the code as it is', (_, fault) => {
		for (const [file, text] of applyEdits(fault.edits, read)) expect(text).not.toBe(read(file));
		expect(fault.tests.filter((test) => !existsSync(`${packages}${test}`))).toEqual([]);
		expect(fault.tests.length).toBeGreaterThan(0);
	});

	it('are those on the page', () => {
		expect(read('../docs/faults.md')).toBe(renderPage(FAULTS));
	});
});
