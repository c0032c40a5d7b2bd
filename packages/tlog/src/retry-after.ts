/** When to come back, where nothing says how long it will take. */

/** Spread, so that those who were turned away together do not come back together. */
export function retryAfterSeconds(): number {
	return 1 + Math.floor(Math.random() * 5);
}
