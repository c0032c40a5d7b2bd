/** Reaching into a JSON value by path, for tests that change one member. */

export type Path = readonly (string | number)[];

export function memberAt(value: unknown, path: Path): unknown {
	return path.reduce<unknown>((at, step) => (at as Record<string | number, unknown>)[step], value);
}

/** A copy of `value` with one member replaced, or removed where `member` is undefined. */
export function withMember<T>(value: T, path: Path, member: unknown): T {
	const copy = structuredClone(value);
	const last = path.at(-1)!;
	const parent = memberAt(copy, path.slice(0, -1)) as Record<string | number, unknown>;
	if (member !== undefined) parent[last] = member;
	else if (Array.isArray(parent)) parent.splice(Number(last), 1);
	else delete parent[last];
	return copy;
}

/** Paths of all members at every depth. */
export function pathsIn(value: unknown, at: Path = []): Path[] {
	if (typeof value !== 'object' || value === null) return [];
	const steps = Array.isArray(value) ? [...value.keys()] : Object.keys(value);
	return steps.flatMap((step) => {
		const path = [...at, step];
		return [path, ...pathsIn((value as Record<string | number, unknown>)[step], path)];
	});
}
