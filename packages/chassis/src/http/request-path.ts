/**
 * Which spellings of a path lead to the same route. Clients append `/api/...` to the URL in their configuration; where
 * that ends in a slash, the path begins with two. Every listener takes that.
 *
 * Beyond it, only the wires whose own servers clean paths do so (go-openapi under Rekor v1 and the timestamp authority):
 * doubled slashes inside and slashes at the end. Elsewhere a path names a file (tiles, TUF) or a route exactly: two
 * spellings of one file are two entries in every cache.
 *
 * Dot segments are left as they are, and lead nowhere: clients resolve them before they send a path, and what a proxy
 * forbids by prefix must not be reached around it. An escaped slash is a character of its segment.
 */

export type PathCleaning = 'leading-slashes' | 'all-slashes';

/** The request target with its path cleaned; the query stays as it is. Undefined stands for `/`. */
export function cleanPath(target: string | undefined, cleaning: PathCleaning): string {
	if (target === undefined) return '/';
	// Nearly every path, and it need not be looked at further.
	if (cleaning === 'leading-slashes' && target[0] === '/' && target[1] !== '/') return target;
	// The absolute form, which every server must take (RFC 9112 section 3.2.2): its scheme and host have had their say.
	const origin = /^https?:\/\/[^/?#]*/i.exec(target)?.[0] ?? '';
	const end = target.indexOf('?');
	const path = target.slice(origin.length, end === -1 ? undefined : end);
	const query = end === -1 ? '' : target.slice(end);
	const cleaned =
		cleaning === 'leading-slashes'
			? path.replace(/^\/{2,}/, '/')
			: path.replace(/\/{2,}/g, '/').replace(/(?<=.)\/$/, '');
	return (cleaned === '' ? '/' : cleaned) + query;
}
