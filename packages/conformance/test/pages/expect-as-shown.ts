/** Judges what became of a block that was pasted. */
import { expect } from 'vitest';
import type { Block } from './page.ts';
import type { Pasted } from './run-page.ts';
import { differenceOf } from './shown-output.ts';

/** @param pasted undefined: the shell ended before the block */
export function expectAsShown({ how, output }: Block, pasted: Pasted | undefined): void {
	const { code, printed = '' } = pasted ?? {};
	if (code === undefined) expect.fail(`the shell ended here or before:\n${printed}`);
	if (how === 'fails') expect(code, printed).not.toBe(0);
	else expect(code, printed).toBe(0);
	if (output !== undefined) expect(differenceOf(output, printed)).toBeUndefined();
}
