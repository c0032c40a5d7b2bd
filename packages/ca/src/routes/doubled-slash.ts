/**
 * Clients append `/api/...` to the URL in their configuration; where that ends in a slash, the path begins with two.
 */
import type { Route } from '@chancery/wire/route';

/** The route itself, and the same under the path that those clients ask for. */
export function withDoubledSlash<R extends Route>(route: R): readonly [R, R] {
	return [route, { ...route, path: `/${route.path}` }];
}
