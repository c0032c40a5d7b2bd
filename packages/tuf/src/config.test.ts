import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { configSchema } from './config.ts';
import { processSchema, revealTokens } from './process-config.ts';

const LEAST = { publicUrl: 'https://tuf.example', operator: 'example', services: [], admin: { tokens: [] } };
const TOKEN = { name: 'ops', role: 'operator', sha256: 'a'.repeat(64) };
const SOURCE = { trustReportUrl: 'http://127.0.0.1:1/admin/v1/trust', bearer: 'x'.repeat(16) };

interface Field {
	readonly description?: string;
	readonly default?: unknown;
}

/** The rows of the README's table, as the schema has them. */
function tableRows(): string[] {
	const schema = z.toJSONSchema(processSchema({}), { io: 'input', unrepresentable: 'any' }) as {
		properties: Record<string, Field>;
		required: string[];
	};
	return Object.entries(schema.properties).map(([name, field]) => {
		const isRequired = schema.required.includes(name);
		const byDefault = isRequired
			? 'required'
			: field.default === undefined
				? 'none'
				: `\`${JSON.stringify(field.default)}\``;
		return `| \`${name}\` | ${byDefault} | ${field.description} |`;
	});
}

describe('the configuration', () => {
	it('is described field by field, and the README prints exactly that', () => {
		const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
		// The formatter pads the columns of tables.
		const lines = readme.split('\n').map((line) => line.replace(/\s+/g, ' ').trim());
		const rows = tableRows();
		expect(lines.filter((line) => /^\| `[a-zA-Z]+` \| (required|none|`)/.test(line))).toEqual(rows);
		for (const row of rows) expect(row.split('|')[3]?.trim().length).toBeGreaterThan(20);
	});

	it('needs addresses, an operator and the services, and has reasons for the rest', () => {
		expect(configSchema.parse(LEAST)).toEqual({
			...LEAST,
			defaultLogApiVersion: 2,
			targetsValidForDays: 365,
			snapshotValidForDays: 30,
			timestampValidForDays: 7,
		});
	});

	it.each([
		['no public address', { publicUrl: undefined }],
		['a public address that is none', { publicUrl: 'ftp://tuf.example' }],
		['an operator without a name', { operator: '' }],
		['an unknown field', { targetValidForDays: 1 }],
		['a log wire that does not exist', { defaultLogApiVersion: 3 }],
		['a timestamp that lives a day, so that a short outage stops every client', { timestampValidForDays: 1 }],
		['a timestamp that lives for months', { timestampValidForDays: 31 }],
		['a token in the clear', { admin: { tokens: [{ ...TOKEN, sha256: 'secret' }] } }],
		['a token without a role', { admin: { tokens: [{ ...TOKEN, role: 'admin' }] } }],
		['a short bearer token', { services: [{ ...SOURCE, bearer: 'short' }] }],
		['a service that is a file', { services: [{ ...SOURCE, trustReportUrl: 'file:///etc/passwd' }] }],
	])('with %s is refused', (_what, changes) => {
		expect(configSchema.safeParse({ ...LEAST, services: [SOURCE], admin: { tokens: [TOKEN] } }).success).toBe(true);
		expect(configSchema.safeParse({ ...LEAST, ...changes }).success).toBe(false);
	});

	it('of a process takes tokens from where secrets lie, and never as they are', () => {
		const env = { WORD: 'w'.repeat(20) };
		const { trustReportUrl } = SOURCE;
		const parsed = processSchema(env).parse({ ...LEAST, services: [{ trustReportUrl, bearer: { env: 'WORD' } }] });
		expect(JSON.stringify(parsed)).not.toContain(env.WORD);
		expect(revealTokens(parsed)).toMatchObject({ services: [{ trustReportUrl, bearer: env.WORD }] });
		expect(configSchema.parse(revealTokens(parsed)).services).toHaveLength(1);
		expect(processSchema(env).safeParse({ ...LEAST, services: [SOURCE] }).success).toBe(false);
		const missing = { ...LEAST, services: [{ trustReportUrl, bearer: { env: 'NOWHERE' } }] };
		expect(processSchema(env).safeParse(missing).success).toBe(false);
	});
});
