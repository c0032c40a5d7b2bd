import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { configSchema } from './config.ts';

interface JsonSchema {
	readonly description?: string;
	readonly default?: unknown;
	readonly properties?: Record<string, JsonSchema>;
	readonly items?: JsonSchema;
}

/** Every field with its default and description; sections before what is in them. */
function fieldsOf(schema: JsonSchema, prefix = ''): { name: string; fallback: string; description: string }[] {
	return Object.entries(schema.properties ?? {}).flatMap(([key, field]) => {
		const name = `${prefix}${key}`;
		const isSection = field.properties !== undefined || field.items !== undefined;
		const fallback = field.default === undefined || isSection ? '' : `\`${JSON.stringify(field.default)}\``;
		return [
			{ name, fallback, description: field.description ?? '' },
			...fieldsOf(field, `${name}.`),
			...(field.items ? fieldsOf(field.items, `${name}[].`) : []),
		];
	});
}

const fields = fieldsOf(z.toJSONSchema(configSchema(), { io: 'input' }) as JsonSchema);
const minimal = {
	v1: { publicUrl: 'https://log.example', hostname: 'log.example', treeId: '1' },
	v2: { publicUrl: 'https://log2.example', origin: 'log2.example' },
};

describe('the configuration of the log', () => {
	it.each(fields)('says what $name is', ({ description }) => {
		expect(description.length).toBeGreaterThan(20);
	});

	it('stands in the README as the schema has it', () => {
		const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
		const section = readme.split('<!-- config -->')[1]?.split('<!-- /config -->')[0] ?? '';
		const rows = section
			.split('\n')
			.filter((line) => line.startsWith('| `'))
			.map((line) => line.split('|').map((cell) => cell.trim()))
			.map(([, name, fallback, description]) => ({ name, fallback, description }));
		expect(rows).toEqual(fields.map((field) => ({ ...field, name: `\`${field.name}\`` })));
	});

	it('needs only what cannot be guessed', () => {
		expect(configSchema().parse(minimal)).toMatchObject({ duplicateStatus: 201 });
	});

	it.each([
		['an unknown field', { ...minimal, colour: 'red' }],
		['a URL with a slash at its end', { ...minimal, v1: { ...minimal.v1, publicUrl: 'https://log.example/' } }],
		['a URL that is no web address', { ...minimal, v1: { ...minimal.v1, publicUrl: 'file:///tmp' } }],
		['an origin with a port', { ...minimal, v2: { ...minimal.v2, origin: 'log2.example:443' } }],
		['an origin in upper case', { ...minimal, v2: { ...minimal.v2, origin: 'Log2.example' } }],
		['tree id 0', { ...minimal, v1: { ...minimal.v1, treeId: '0' } }],
		['a tree id beyond an int64', { ...minimal, v1: { ...minimal.v1, treeId: '9223372036854775808' } }],
		['a tree id as a number', { ...minimal, v1: { ...minimal.v1, treeId: 7 } }],
		['another status for repeats', { ...minimal, duplicateStatus: 200 }],
		['a plain token', { ...minimal, admin: { tokens: [{ name: 'a', role: 'operator', sha256: 'secret' }] } }],
	])('refuses %s', (_, value) => {
		expect(configSchema().safeParse(value).success).toBe(false);
	});
});
