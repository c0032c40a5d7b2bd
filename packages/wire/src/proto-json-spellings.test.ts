/** Every legal spelling of a file, judged by Go's protojson: see testdata/SOURCE.md. */
import { expect, it } from 'vitest';
import { parseBundle } from './bundle.ts';
import { parseSigningConfig } from './signing-config.ts';
import rows from './testdata/proto-json.json' with { type: 'json' };
import { parseTrustedRoot } from './trusted-root.ts';

const PARSERS: Readonly<Record<string, (json: unknown) => unknown>> = {
	bundle: parseBundle,
	trustedRoot: parseTrustedRoot,
	signingConfig: parseSigningConfig,
};

/** Where we differ on purpose. */
const READ_BY_US: readonly (readonly [name: RegExp, why: string])[] = [
	[
		/^(trusted root|signing configuration): an unknown member$/,
		'newer files have members that older readers do not need',
	],
	[/line end/, 'line ends do not change what base64 says'],
	[/lgorithm: "(sha2_\d+|NO_SUCH)"$/, 'a newer file may name a newer algorithm; whoever needs it refuses it'],
];
const REFUSED_BY_US: readonly (readonly [name: RegExp, why: string])[] = [
	[/(logIndex|majorApiVersion|count): "?-1"?$/, 'no index, time or number of a service is negative'],
	[/(algorithm|hashAlgorithm|selector): null$/, 'there is no rule for what is unspecified'],
	[/majorApiVersion: "-0"$/, 'no service has version 0'],
	[/selector: (99|-1)$/, 'there is no rule for an unknown selection'],
];

const bases = new Map<string, unknown>();
for (const { name, reads } of rows)
	if (reads !== 'base' && /as it is written$/.test(name)) bases.set(kindOf(name), reads);

function kindOf(name: string): string {
	return name.slice(0, name.indexOf(':'));
}

it.each(rows)('$name', ({ name, message, json, reads }) => {
	const parse = PARSERS[message]!;
	const matches = ([pattern]: readonly [RegExp, string]) => pattern.test(name);
	if (reads === null && READ_BY_US.some(matches)) parse(JSON.parse(json));
	else if (reads === null || REFUSED_BY_US.some(matches)) {
		expect(() => parse(JSON.parse(json))).toThrow();
	} else expect(parse(JSON.parse(json))).toEqual(parse(reads === 'base' ? bases.get(kindOf(name)) : reads));
});
