/**
 * The folders of the packages that are large enough to need an order: what stands further down may import what stands
 * further up, and never the reverse. Folders in one row do not know each other. Each order is told in the package's README.
 */
import { type Complaint, partOf, type SourceTree } from './source-tree.ts';

/** `.` is what lies in `src` itself, apart from the files that have a place of their own (`name.ts`). */
const ORDERS: Readonly<Record<string, readonly (readonly string[])[]>> = {
	chassis: [['.'], ['config'], ['service-definition.ts'], ['tls'], ['http'], ['tokens'], ['process']],
	tlog: [
		['.'],
		['store'],
		['tree', 'mark', 'time', 'submit'],
		['sequence', 'publish'],
		['read'],
		['export', 'log', 'audit'],
	],
	stack: [
		['port-offsets.ts'],
		['instance'],
		['services.ts'],
		['bootstrap'],
		['development'],
		['up', 'serve', 'operate'],
		['doctor'],
	],
};

export function folderOrder(tree: SourceTree): Complaint[] {
	const complaints: Complaint[] = [];
	for (const { path, owner, isTest, imports } of tree.sources.values()) {
		const order = ORDERS[owner];
		const from = order && placeOf(order, path);
		if (!from || isTest) continue;
		if (from.row < 0) complaints.push(`${path}: '${from.name}' has no place in the order of the folders of ${owner}`);
		for (const { specifier, target } of imports) {
			const to = target?.startsWith(`packages/${owner}/`) ? placeOf(order, target) : undefined;
			if (!to || from.name === to.name || from.row < 0 || to.row < 0 || to.row < from.row) continue;
			complaints.push(`${path}: '${specifier}' points up: ${owner} has ${inWords(order)}`);
		}
	}
	return complaints;
}

interface Place {
	readonly name: string;
	/** Where it stands in the order; -1: nowhere. */
	readonly row: number;
}

function placeOf(order: readonly (readonly string[])[], path: string): Place | undefined {
	const part = partOf(path);
	if (part === undefined) return undefined;
	const rowOf = (name: string) => order.findIndex((row) => row.includes(name));
	const file = path.slice(path.lastIndexOf('/') + 1);
	const name = part !== '' ? part : rowOf(file) >= 0 ? file : '.';
	return { name, row: rowOf(name) };
}

function inWords(order: readonly (readonly string[])[]): string {
	return order.map((row) => row.join(', ')).join(' <- ');
}
