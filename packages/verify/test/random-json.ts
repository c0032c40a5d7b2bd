/** JSON values of what parsers stumble over. */
import type { SeededRandom } from '@chancery/testkit/seeded-random';

const SCALARS = [null, true, 0, -1, 1.5, 2 ** 53, '', 'x', 'AAAA', '!', '0', '-1', '9'.repeat(30), '\ud800', '\u0000'];
const NAMES = ['rawBytes', 'sig', '__proto__', 'constructor', 'a'];

/** A value of at most `depth` levels. */
export function randomJson(random: SeededRandom, depth: number): unknown {
	if (depth === 0 || random.below(3) === 0) return random.pick(SCALARS);
	const items = Array.from({ length: random.below(4) }, () => randomJson(random, depth - 1));
	if (random.below(2) === 0) return items;
	return Object.fromEntries(items.map((item) => [random.pick(NAMES), item]));
}
