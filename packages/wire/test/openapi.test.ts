import { readdirSync, readFileSync } from 'node:fs';
import { createConfig, lintFromString } from '@redocly/openapi-core';
import { describe, expect, it } from 'vitest';
import { LISTENERS } from '../src/listeners.ts';
import { describeListener, renderDocument } from '../src/openapi.ts';

const ROOT = new URL('../../../', import.meta.url);
const FOLDER = new URL('docs/openapi/', ROOT);
const read = (name: string) => readFileSync(new URL(name, FOLDER), 'utf8');
const { version } = JSON.parse(readFileSync(new URL('package.json', ROOT), 'utf8')) as { version: string };

interface Operation {
	readonly security: readonly object[];
	readonly requestBody?: { readonly content: object };
	readonly responses: Readonly<Record<string, { readonly content?: object }>>;
}
const operation = (name: string, path: string, method: string): Operation =>
	JSON.parse(read(`${name}.json`)).paths[path][method];

describe('docs/openapi', () => {
	it('has one file for each listener', () => {
		expect(readdirSync(FOLDER).sort()).toEqual(LISTENERS.map(({ document }) => `${document}.json`).sort());
	});

	it.each(LISTENERS)('has $document as the routes say it', (listener) => {
		const expected = renderDocument(describeListener(listener, version));
		expect(read(`${listener.document}.json`), 'run `npm run openapi` and commit what it writes').toBe(expected);
	});

	it.each(LISTENERS)('has nothing in $document that a linter minds', async ({ document }) => {
		const config = await createConfig({
			extends: ['recommended-strict'],
			// Every refusal has one shape, the default reply.
			rules: { 'operation-4xx-response': 'off' },
		});
		const absoluteRef = new URL(`${document}.json`, FOLDER).pathname;
		const problems = await lintFromString({ source: read(`${document}.json`), absoluteRef, config });
		expect(problems.map(({ ruleId, message, location }) => `${ruleId}: ${message} (${location[0]?.pointer})`)).toEqual(
			[],
		);
	});

	it('shows two routes on one path as one operation with two media types', () => {
		for (const path of ['/api/v1/timestamp', '/tsr', '/']) {
			const { requestBody, responses } = operation('tsa', path, 'post');
			expect(Object.keys(requestBody?.content ?? {})).toEqual(['application/timestamp-query', 'application/json']);
			expect(Object.keys(responses[201]?.content ?? {})).toEqual(['application/timestamp-reply']);
		}
	});

	it('says where a token is needed', () => {
		expect(operation('tuf-admin', '/admin/v1/roots', 'post').security).toEqual([{ bearer: [] }]);
		expect(operation('tuf-admin', '/healthz', 'get').security).toEqual([]);
		expect(operation('tuf-admin', '/readyz', 'get').security).toEqual([{}, { bearer: [] }]);
		expect(operation('ca', '/api/v1/signingCert', 'post').security).toEqual([{ bearer: [] }]);
		expect(operation('log-v1', '/api/v1/log', 'get').security).toEqual([]);
	});
});

describe('a schema in a document', () => {
	const json = (operation: Operation, status: number) =>
		(operation.responses[status]?.content as Record<string, { schema: object }> | undefined)?.['application/json']
			?.schema;

	it('is that of the text on the wire, not of the value in the program', () => {
		const entry = json(operation('log-v2', '/api/v2/log/entries', 'post'), 201);
		expect(entry).toMatchObject({ properties: { canonicalizedBody: { type: 'string', contentEncoding: 'base64' } } });
	});

	it('is a number where a query has one', () => {
		const { paths } = JSON.parse(read('ctlog.json'));
		const [first] = paths['/ct/v1/get-sth-consistency'].get.parameters;
		expect(first).toMatchObject({
			name: 'first',
			in: 'query',
			required: true,
			schema: { type: 'integer', minimum: 0 },
		});
	});
});
