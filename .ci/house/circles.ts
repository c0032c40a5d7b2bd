/**
 * Circles between files: whoever reads one of them has to read all of them, and none can be changed alone. Imports of
 * types count, because they are read like others.
 */
import type { Complaint, SourceTree } from './source-tree.ts';

export function circles(tree: SourceTree): Complaint[] {
	const importsOf = (path: string) =>
		(tree.sources.get(path)?.imports ?? []).flatMap(({ target }) => (target && target !== path ? [target] : []));
	return knots([...tree.sources.keys()].sort(), importsOf).map((knot) => {
		const [first = ''] = [...knot].sort();
		const way = shortestWayBack(first, (path) => importsOf(path).filter((target) => knot.has(target)));
		return `${first}: imports itself in a circle: ${way.join(' -> ')}`;
	});
}

/** The sets of files in which each can be reached from each other (Tarjan's strongly connected components), of two or more. */
function knots(paths: readonly string[], importsOf: (path: string) => readonly string[]): Set<string>[] {
	const order = new Map<string, number>();
	const lowest = new Map<string, number>();
	const open: string[] = [];
	const found: Set<string>[] = [];
	const visit = (path: string) => {
		const place = order.size;
		order.set(path, place);
		lowest.set(path, place);
		open.push(path);
		for (const target of importsOf(path)) {
			if (!order.has(target)) visit(target);
			if (open.includes(target)) lowest.set(path, Math.min(lowest.get(path)!, lowest.get(target)!));
		}
		if (lowest.get(path) !== place) return;
		const knot = new Set(open.splice(open.indexOf(path)));
		if (knot.size > 1) found.push(knot);
	};
	for (const path of paths) if (!order.has(path)) visit(path);
	return found;
}

function shortestWayBack(start: string, importsOf: (path: string) => readonly string[]): string[] {
	const ways = [[start]];
	const seen = new Set<string>();
	for (const way of ways) {
		for (const target of importsOf(way.at(-1)!)) {
			if (target === start) return [...way, start];
			if (!seen.has(target)) ways.push([...way, target]);
			seen.add(target);
		}
	}
	return [start];
}
