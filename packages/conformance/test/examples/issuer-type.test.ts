/**
 * The issuer type of CONTRIBUTING.md, under the tests that run the examples of every issuer type.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { exampleOf } from './example-blocks.ts';
import { checkForm, checkTypes, copyWithExample, type WorkspaceCopy } from './workspace-copy.ts';

const example = exampleOf('Adding an issuer type');

interface TestResult {
	readonly fullName: string;
	readonly status: string;
	readonly failureMessages: readonly string[];
}

let copy: WorkspaceCopy;
/** What the tests of the authority say in the copy, those about this type and those about the README. */
let results: readonly TestResult[];

beforeAll(async () => {
	copy = await copyWithExample(example);
	const report = join(copy.root, 'report.json');
	await copy.node(
		...['node_modules/vitest/vitest.mjs', 'run', '--project', 'fast', '--reporter', 'json', '--outputFile', report],
		...['--testNamePattern', 'company-ci|README', 'packages/ca/src/issuers/issuer-types.test.ts'],
		...['packages/ca/src/config.test.ts', 'packages/ca/test/every-issuer-type.test.ts'],
	);
	const { testResults } = JSON.parse(readFileSync(report, 'utf8')) as {
		testResults: { assertionResults: TestResult[] }[];
	};
	results = testResults.flatMap(({ assertionResults }) => assertionResults);
});
afterAll(() => copy?.remove());

const namesOf = (status: string) =>
	results.filter((result) => result.status === status).map(({ fullName }) => fullName);

describe('the issuer type that CONTRIBUTING shows', () => {
	it('is one file and one line, and passes the compiler and the formatter', async () => {
		expect(example.files).toHaveLength(1);
		expect(example.additions.flatMap(({ lines }) => lines)).toHaveLength(1);
		await checkTypes(copy, ['ca']);
		await checkForm(copy, example);
	});

	it.each([
		'turns a nightly job into the certified identity',
		'refuses a nightly job without any claim that it needs, in its own words',
		'certifies a nightly job without the claims that it does not need',
		'refuses settings it does not know',
		'a nightly job gets a certificate with its name and extensions',
	])('%s', (words) => {
		expect(namesOf('passed')).toContainEqual(expect.stringContaining(`company-ci ${words}`));
	});

	it('is told which rows the README lacks, and nothing else', () => {
		const failed = results.filter(({ status }) => status === 'failed');
		expect(failed.map(({ fullName }) => fullName)).toEqual([
			expect.stringContaining('README'),
			expect.stringContaining('README'),
		]);
		const said = failed.flatMap(({ failureMessages }) => failureMessages).join('\n');
		expect(said).toContain('| `company-ci` | `<jobsUrl>/<job>` | `sub` |');
		expect(said).toContain('| `issuers[].jobsUrl` |');
	});
});
