/** What the check of excerpts would miss: keys and values that no configuration has. */
import { describe, expect, it } from 'vitest';
import { settingsProblem } from './settings.ts';

describe('an excerpt', () => {
	it.each(['tsa: { listen: { probe: { host: 0.0.0.0, port: 3002 } } }', 'process: { drainSeconds: 15 }'])(
		'may be %s',
		(yaml) => expect(settingsProblem(yaml)).toBeUndefined(),
	);

	it.each([
		'tsa: { listen: { probes: { port: 3002 } } }',
		'tsa: { listen: { probe: { port: many } } }',
		'process: { drain: 15 }',
		'log: { markBuckets: { bucket: marks } }',
		'timestamp: {}',
	])('is not %s', (yaml) => expect(settingsProblem(yaml)).toMatch(/./));
});
