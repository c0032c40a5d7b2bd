import { describe, expect, it } from 'vitest';
import { ENTRY_KINDS, findKind, isV1, isV2, v2RequestMembers } from './entry-kinds.ts';
import * as listed from './kind-list.ts';

const nameOf = ({ kind, version }: { kind: string; version: string }) => `${kind} ${version}`;

describe('the list of entry kinds', () => {
	it('has each kind of one version once, under a name of that kind and version', () => {
		expect(new Set(ENTRY_KINDS.map(nameOf)).size).toBe(ENTRY_KINDS.length);
		for (const [name, { kind, version }] of Object.entries(listed))
			expect(name).toBe(`${kind}V${version.replaceAll('.', '')}`);
	});

	it('comes from the end of the alphabet to its beginning, as refusals have always named kinds and members', () => {
		const proposed = ENTRY_KINDS.filter(isV1).filter(({ proposal }) => proposal);
		expect(proposed.map(nameOf).filter((name) => /^(hashedrekord|dsse) /.test(name))).toEqual([
			'hashedrekord 0.0.1',
			'dsse 0.0.1',
		]);
		const members = Object.keys(v2RequestMembers);
		expect(members).toEqual(ENTRY_KINDS.filter(isV2).map(({ member }) => member));
		expect(members.indexOf('hashedRekordRequestV002')).toBeLessThan(members.indexOf('dsseRequestV002'));
	});

	it('finds a kind by its name and version, and nothing else', () => {
		for (const kind of ENTRY_KINDS) expect(findKind(kind)).toBe(kind);
		expect(findKind({ kind: 'hashedrekord', version: '0.0.3' })).toBeUndefined();
		expect(findKind({ kind: 'toString', version: '' })).toBeUndefined();
	});
});
