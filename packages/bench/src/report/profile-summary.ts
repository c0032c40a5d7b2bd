/**
 * The largest costs in a CPU profile, as a share of the time that was not idle: by package, by single function, and by function of
 * ours with everything that it calls.
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

interface Place {
	readonly name: string;
	readonly package: string;
	readonly isOurs: boolean;
	/** Idle, or the work of taking the profile. */
	readonly isBeside: boolean;
}

const TOP_FUNCTIONS = 30;
const TOP_PACKAGES = 15;

/** Three tables as text. */
export async function summariseProfile(path: string): Promise<string> {
	const profile = JSON.parse(await readFile(path, 'utf8')) as CpuProfile;
	const places = new Map(profile.nodes.map((node) => [node.id, placeOf(node)]));
	const parents = new Map(profile.nodes.flatMap((node) => (node.children ?? []).map((child) => [child, node.id])));
	const alone = new Map<string, number>();
	const withCalls = new Map<string, number>();
	const byPackage = new Map<string, number>();
	let busy = 0;
	profile.samples.forEach((id, i) => {
		const place = places.get(id);
		const micros = profile.timeDeltas[i] ?? 0;
		if (place === undefined || place.isBeside) return;
		busy += micros;
		add(alone, place.name, micros);
		add(byPackage, place.package, micros);
		const callers = new Set<string>();
		for (let at: number | undefined = id; at !== undefined; at = parents.get(at)) {
			const caller = places.get(at);
			if (caller?.isOurs) callers.add(caller.name);
		}
		for (const name of callers) add(withCalls, name, micros);
	});
	const rows = (map: Map<string, number>, most: number) =>
		[...map]
			.sort((a, b) => b[1] - a[1])
			.slice(0, most)
			.map(([name, micros]) => [figure((100 * micros) / busy), name]);
	return [
		`busy for ${figure(busy / 1e6)} s`,
		table(['%', 'package'], rows(byPackage, TOP_PACKAGES)),
		table(['%', 'function alone'], rows(alone, TOP_FUNCTIONS)),
		table(['%', 'function of ours with what it calls'], rows(withCalls, TOP_FUNCTIONS)),
	].join('\n\n');
}

function add(map: Map<string, number>, name: string, micros: number): void {
	map.set(name, (map.get(name) ?? 0) + micros);
}

function placeOf({ callFrame }: ProfileNode): Place {
	const { functionName, url, lineNumber } = callFrame;
	const name = functionName || '(anonymous)';
	const [, ours, ourFile] = /packages\/([a-z]+)\/(.*)$/.exec(url) ?? [];
	const [, theirs, theirFile] = /.*node_modules\/((?:@[^/]+\/)?[^/]+)\/(.*)$/.exec(url) ?? [];
	const owner = theirs ?? ours ?? (url.startsWith('node:') ? url : name.startsWith('(') ? name : 'native');
	const file = theirFile ?? ourFile;
	return {
		name: file === undefined ? `${name}  ${url}` : `${name}  ${owner}/${file}:${lineNumber + 1}`,
		package: owner,
		isOurs: theirs === undefined && ours !== undefined,
		isBeside: name === '(idle)' || name === '(root)' || url === 'node:inspector' || url.includes('event-loop-probe'),
	};
}
