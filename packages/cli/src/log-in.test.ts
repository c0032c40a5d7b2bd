import { expect, it } from 'vitest';
import { usualWay } from './log-in.ts';

it.each([
	['where there is a display', { DISPLAY: ':0' }, 'linux', 'browser'],
	['where there is another kind of display', { WAYLAND_DISPLAY: 'wayland-0' }, 'linux', 'browser'],
	['where the user has named one', { BROWSER: 'links' }, 'linux', 'browser'],
	['on a desktop', {}, 'darwin', 'browser'],
	['on another desktop', {}, 'win32', 'browser'],
	['on a server', {}, 'linux', 'device'],
	['with an empty display', { DISPLAY: '' }, 'linux', 'device'],
] as const)('signs in %s with what is there', (_where, env, platform, way) => {
	expect(usualWay(env, platform)).toBe(way);
});
