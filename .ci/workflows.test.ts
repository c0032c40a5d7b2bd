/** Hosted CI: who changes a tag of an action must not change what runs here, and the token of a run may only read. */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '..');
const workflows = globSync('.github/workflows/*', { cwd: ROOT });

it.each(workflows)('%s pins each action to a commit, and says which version that is', (path) => {
	const uses = readFileSync(join(ROOT, path), 'utf8').match(/\buses:.*$/gm) ?? [];
	expect(uses.length).toBeGreaterThan(0);
	for (const line of uses) expect(line).toMatch(/^uses: [\w-]+\/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
});

it.each(workflows)('%s gives its token no right but to read, and keeps it from what it runs', (path) => {
	const text = readFileSync(join(ROOT, path), 'utf8');
	expect(text.match(/^ *permissions:\n(?: +.*\n)*/gm)).toEqual(['permissions:\n  contents: read\n']);
	expect(text.match(/actions\/checkout@/g)?.length).toBe(text.match(/persist-credentials: false/g)?.length);
});

it('is there', () => {
	expect(workflows).toContain('.github/workflows/ci.yml');
});
