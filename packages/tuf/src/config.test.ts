import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { configSchema } from './config.ts';

const LEAST = { publicUrl: 'https://tuf.example', operator: 'example', services: [], admin: { tokens: [] } };
const TOKEN = { name: 'ops', role: 'operator', sha256: 'a'.repeat(64) };
const ENV = { WORD: 'w'.repeat(20) };
const SOURCE = { trustReportUrl: 'http://127.0.0.1:1/admin/v1/trust', bearer: { env: 'WORD' } };

interface Field {
	readonly description?: string;
	readonly default?: unknown;
}

/** The rows of the README's table, as the schema has them. */
function tableRows(): string[] {
	const schema = z.toJSONSchema(configSchema({}), { io: 'input', unrepresentable: 'any' }) as {
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
		expect(configSchema().parse(LEAST)).toEqual({
			...LEAST,
			defaultLogApiVersion: 2,
			oidcIssuers: [],
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
		['a bearer token as it is', { services: [{ ...SOURCE, bearer: ENV.WORD }] }],
		['a bearer token that is not there', { services: [{ ...SOURCE, bearer: { env: 'NOWHERE' } }] }],
		['a service that is a file', { services: [{ ...SOURCE, trustReportUrl: 'file:///etc/passwd' }] }],
	])('with %s is refused', (_what, changes) => {
		const schema = configSchema(ENV);
		expect(schema.safeParse({ ...LEAST, services: [SOURCE], admin: { tokens: [TOKEN] } }).success).toBe(true);
		expect(schema.safeParse({ ...LEAST, ...changes }).success).toBe(false);
	});

	it('reads tokens from files or the environment, and does not show them', () => {
		const parsed = configSchema(ENV).parse({ ...LEAST, services: [SOURCE] });
		expect(JSON.stringify(parsed)).not.toContain(ENV.WORD);
		expect(parsed.services.map(({ bearer }) => bearer.reveal())).toEqual([ENV.WORD]);
	});
});
