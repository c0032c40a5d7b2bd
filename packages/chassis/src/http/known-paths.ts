/**
 * Remembers the path patterns of a listener, to tell a wrong method (405 with `Allow`) from an unknown path (404).
 * The router itself only says "no match". Consulted on that path alone.
 */

interface Pattern {
	readonly path: RegExp;
	readonly methods: Set<string>;
}

export class KnownPaths {
	readonly #patterns = new Map<string, Pattern>();

	/** `url` as the router writes it: `:name` matches one segment, a closing `*` the rest. */
	add(url: string, methods: readonly string[]): void {
		let pattern = this.#patterns.get(url);
		if (!pattern) {
			pattern = { path: compile(url), methods: new Set() };
			this.#patterns.set(url, pattern);
		}
		for (const method of methods) pattern.methods.add(method.toUpperCase());
	}

	/** The methods that the path of `rawUrl` (as received, query allowed) would accept, sorted; empty when it is unknown. */
	methodsOf(rawUrl: string): string[] {
		const path = rawUrl.split('?', 1)[0] ?? '';
		const methods = new Set<string>();
		for (const pattern of this.#patterns.values()) {
			if (pattern.path.test(path)) for (const method of pattern.methods) methods.add(method);
		}
		return [...methods].sort();
	}
}

/** No nested repetition: each `[^/]+` ends at a slash, so matching is linear in the length of the path. */
function compile(url: string): RegExp {
	const source = url
		.split('/')
		.map((segment, i, all) => {
			if (segment === '*' && i === all.length - 1) return '.*';
			return segment
				.split(/(:[A-Za-z0-9_]+)/)
				.map((part, j) => (j % 2 === 1 ? '[^/]+?' : RegExp.escape(part)))
				.join('');
		})
		.join('/');
	return new RegExp(`^${source}$`, 's');
}
