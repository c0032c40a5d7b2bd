/** All faults, and the page that lists them. */
import { type Fault, INVARIANTS } from './fault.ts';
import { TREE_FAULTS } from './tree-faults.ts';
import { TRUST_FAULTS } from './trust-faults.ts';

export const FAULTS: readonly Fault[] = [...TREE_FAULTS, ...TRUST_FAULTS];

/** docs/faults.md. */
export function renderPage(faults: readonly Fault[]): string {
	const lines = [
		'# Faults on purpose',
		'',
		'For each promise of the log engine, changes of the code that break it, and the tests that notice. `npm run test:mutation`',
		'makes each of these changes in a copy of the packages and fails when the tests named beside it still pass. The table',
		'behind this page is `packages/tlog/test/mutation/*-faults.ts`; `node packages/tlog/test/mutation/main.ts --page` writes it.',
	];
	INVARIANTS.forEach((promise, i) => {
		lines.push('', `## ${i + 1}. ${promise}`, '', '| fault | in | caught by |', '|---|---|---|');
		for (const { invariant, name, edits, tests } of faults)
			if (invariant === i + 1)
				lines.push(`| ${name} | ${code([...new Set(edits.map(({ file }) => file))])} | ${code(tests)} |`);
	});
	return `${lines.join('\n')}\n`;
}

function code(files: readonly string[]): string {
	return files.map((file) => `\`${file}\``).join(', ');
}
