/**
 * The version whose data every later version continues. A release changes these three lines and nothing else.
 *
 * The commit decides: a clone may have no tags, and a tag can be moved.
 */
export const RELEASED = {
	version: '0.1.0',
	tag: 'v0.1.0',
	commit: '19d3fae3f97c9e574b111d7deb6ec799926daf8f',
} as const;
