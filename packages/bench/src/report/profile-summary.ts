/**
 * The top costs in a CPU profile: by function and by package, in share of the time that was not idle.
 */
import { readFile } from 'node:fs/promises';
import { figure, table } from './table.ts';

interface ProfileNode {
	readonly id: number;
	readonly callFrame: {
		readonly functionName: string;
		readonly url: string;
		readonly lineNumber: number;
	};
	readonly children?: readonly number[];
}

interface CpuProfile {
	readonly nodes: readonly ProfileNode[];
	readonly samples: readonly number[];
	/** Microseconds between the samples. */
	readonly timeDeltas: readonly number[];
}

const TOP_FUNCTIONS = 25;
/** What V8 calls the time in which it had nothing to do. */
const IDLE = new Set(['(idle)', '(root)']);

/** Two tables: where time went by itself, by function and by package. */
export async function summariseProfile(path: string): Promise<string> {
	const profile = JSON.parse(await readFile(path, 'utf8')) as CpuProfile;
	const names = new Map(profile.nodes.map((node) => [node.id, describe(node)]));
	const byFunction = new Map<string, number>();
	const byPackage = new Map<string, number>();
	let busy = 0;
	let total = 0;
	profile.samples.forEach((id, i) => {
		const micros = profile.timeDeltas[i] ?? 0;
		total += micros;
		const name = names.get(id);
		if (name === undefined || IDLE.has(name.function)) return;
		busy += micros;
		add(byFunction, `${name.function}  ${name.place}`, micros);
		add(byPackage, name.package, micros);
	});
	const rows = (map: Map<string, number>, most: number) =>
		[...map]
			.sort((a, b) => b[1] - a[1])
			.slice(0, most)
			.map(([name, micros]) => [figure((100 * micros) / busy), name]);
	return [
		`busy ${figure((100 * busy) / total)} % of ${figure(total / 1e6)} s`,
		table(['%', 'package'], rows(byPackage, 15)),
		table(['%', 'function (self time)'], rows(byFunction, TOP_FUNCTIONS)),
	].join('\n\n');
}

function add(map: Map<string, number>, name: string, micros: number): void {
	map.set(name, (map.get(name) ?? 0) + micros);
}

function describe({ callFrame }: ProfileNode): { function: string; place: string; package: string } {
	const { functionName, url, lineNumber } = callFrame;
	const name = functionName || '(anonymous)';
	const ours = /packages\/([a-z]+)\/(.*)$/.exec(url);
	const theirs = /node_modules\/((?:@[^/]+\/)?[^/]+)\/((?!.*node_modules\/).*)$/.exec(url);
	const [, owner, file] = theirs ?? ours ?? [];
	if (owner !== undefined) return { function: name, place: `${owner}/${file}:${lineNumber + 1}`, package: owner };
	if (url.startsWith('node:')) return { function: name, place: `${url}:${lineNumber + 1}`, package: url };
	return { function: name, place: url, package: name.startsWith('(') ? name : 'native' };
}
