/** Blocks of pages that need more than a machine: the tests here run them as they stand there. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Elsewhere, readPage } from '../pages/page.ts';

const CHECKOUT = join(import.meta.dirname, '../../../..');

/**
 * The one block of a page that begins so. `pages/operate/operate.test.ts` looks for this call with the path and the kind of
 * every block that it does not run.
 * @throws {Error} when the page has none, or several
 */
export function pageBlock(path: string, how: Elsewhere, beginning: string): string {
	const { blocks } = readPage(readFileSync(join(CHECKOUT, path), 'utf8'));
	const found = blocks.filter((block) => block.how === how && block.code.startsWith(beginning));
	if (found.length !== 1) throw new Error(`${path} has ${found.length} blocks '${how}' that begin '${beginning}'`);
	return found[0]?.code ?? '';
}
