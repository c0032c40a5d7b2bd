import { readFileSync } from 'node:fs';
import { fieldsOf, markdownRows } from '@chancery/testkit/config-table';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { connectorSettingsShape } from './connector.ts';
import { CONNECTOR_TYPES, connectorsSchema } from './connectors.ts';

const SHARED = rowsOf(z.strictObject(connectorSettingsShape({})));

/** Where a secret is, is told once for all of them. */
function rowsOf(schema: z.core.$ZodType): string[] {
	return markdownRows(fieldsOf(schema).filter(({ path }) => path !== 'type' && !/Secret\./.test(path)));
}

const cells = (line: string) => line.split('|').map((cell) => cell.trim());

/** The rows below a heading of the README. */
function tableBelow(heading: string): string[][] {
	const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
	const section = readme.split(`${heading}\n`)[1]?.split(/\n#+ /)[0] ?? '';
	return section
		.split('\n')
		.filter((line) => line.startsWith('| `'))
		.map(cells);
}

describe('the settings of connectors', () => {
	it('that all types have are a table of the README', () => {
		expect(tableBelow('### Connectors'), SHARED.join('\n')).toEqual(SHARED.map(cells));
	});

	it.each(CONNECTOR_TYPES.map((type) => ({ type, name: type.name })))(
		'of the type $name are one, too',
		({ type, name }) => {
			const own = rowsOf(type.configSchema({})).filter((row) => !SHARED.includes(row));
			for (const row of own) expect(row.split('|')[3]?.trim().length, row).toBeGreaterThan(20);
			expect(tableBelow(`#### Type \`${name}\``), own.join('\n')).toEqual(own.map(cells));
		},
	);

	const PEOPLE = {
		type: 'oidc',
		id: 'https://people.example',
		name: 'People',
		issuer: 'https://people.example',
		clientId: 'x',
	};
	const problems = (...connectors: object[]) =>
		connectorsSchema({})
			.safeParse(connectors)
			.error?.issues.map(({ message }) => message);

	it('need no secret for a public client, and ids that differ', () => {
		expect(problems(PEOPLE, { ...PEOPLE, id: 'other' })).toBeUndefined();
		expect(problems(PEOPLE, PEOPLE)).toEqual(['two connectors have the same id']);
	});

	it.each([
		['an unknown type', { type: 'saml' }],
		['an unknown field', { hostedDomains: ['x.example'] }],
		['an id with a space', { id: 'the people' }],
		['no id', { id: undefined }],
		['an issuer that is no web address', { issuer: 'ldap://people.example' }],
		['no openid among the scopes', { scopes: ['email'] }],
		['a secret in the clear', { clientSecret: 'hush' }],
		['an authority that is no file', { caFile: '/nowhere/ca.pem' }],
		['another answer to what is verified', { emailVerified: 'never' }],
	])('do not have %s', (_what, change) => {
		expect(problems({ ...PEOPLE, ...change })).toBeDefined();
	});
});
