/** Each house rule refuses a tree that breaks it, and lets one pass that breaks none. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { checkHouse } from './house/rules.ts';

const HOUSE = join(import.meta.dirname, 'house.ts');
const EXPORTS = join(import.meta.dirname, 'exports.ts');

type Files = Readonly<Record<string, string>>;

/** A service, what it stands on, and a program that runs it: nothing of it is broken. */
const SOUND: Files = {
	'README.md': '# A tree\n',
	'packages/core/package.json': '{ "exports": { "./merkle": "./src/merkle.ts" } }',
	'packages/core/src/merkle.ts': 'export const root = 0;\n',
	'packages/chassis/package.json': '{ "exports": { "./http/listener": "./src/http/listener.ts" } }',
	'packages/chassis/src/domain-error.ts': 'export const code = 1;\n',
	'packages/chassis/src/http/listener.ts': `export { code } from '../domain-error.ts';\n`,
	'packages/ca/package.json': '{ "exports": {} }',
	'packages/ca/src/main.ts': `import './routes/issue.ts';\nimport '@chancery/chassis/http/listener';\n`,
	'packages/ca/src/routes/issue.ts': `export { issue } from '../domain/issue.ts';\n`,
	'packages/ca/src/domain/issue.ts': `import '@chancery/core/merkle';\nexport { insert as issue } from '../store/rows.ts';\n`,
	'packages/ca/src/store/rows.ts': 'export const insert = 1;\n',
	'packages/ca/test/issue.test.ts': `import '../src/domain/issue.ts';\nimport 'vitest';\n`,
};

const made: string[] = [];
afterEach(() => {
	for (const folder of made.splice(0)) rmSync(folder, { recursive: true });
});

/** A repository of `SOUND` with `changes`. */
function makeTree(changes: Files): string {
	const root = mkdtempSync(join(tmpdir(), 'house-'));
	made.push(root);
	for (const [path, text] of Object.entries({ ...SOUND, ...changes })) {
		mkdirSync(dirname(join(root, path)), { recursive: true });
		writeFileSync(join(root, path), text);
	}
	execFileSync('git', ['init', '--quiet'], { cwd: root });
	return root;
}

const complaintsOf = (changes: Files) => checkHouse(makeTree(changes)).complaints;

/** Adds to a file of `SOUND`. */
const more = (path: string, text: string): Files => ({ [path]: `${SOUND[path]}${text}` });

const BROKEN: readonly (readonly [rule: string, changes: Files, complaint: string])[] = [
	[
		'a name that says nothing',
		{ 'packages/ca/src/domain/utils.sql': '-- \n' },
		`packages/ca/src/domain/utils.sql: 'utils' names no purpose; say what it is`,
	],
	[
		'a file at the top that has no place there',
		{ 'notes.md': 'x' },
		`notes.md: 'notes.md' is not a top-level name of this repository`,
	],
	[
		'a file with more than one purpose',
		more('packages/ca/src/store/rows.ts', '\n'.repeat(400)),
		'packages/ca/src/store/rows.ts: 401 lines; 400 is the limit',
	],
	[
		'an import of a layer above',
		more('packages/core/src/merkle.ts', `import '@chancery/chassis/http/listener';\n`),
		`packages/core/src/merkle.ts: 'core' may not import 'chassis'`,
	],
	[
		'a service that names another in what it runs',
		more('packages/ca/src/domain/issue.ts', `export const peer = '@chancery/tsa/main';\n`),
		`packages/ca/src/domain/issue.ts:3: 'ca' names another service: @chancery/tsa`,
	],
	[
		'a service that depends on another',
		{ 'packages/ca/package.json': '{ "exports": {}, "devDependencies": { "@chancery/tsa": "workspace:*" } }' },
		`packages/ca/package.json:1: 'ca' names another service: @chancery/tsa`,
	],
	[
		'a clock in what is pure',
		more('packages/core/src/merkle.ts', 'export const now = Date.now();\n'),
		`packages/core/src/merkle.ts:2: 'core' is pure: export const now = Date.now();`,
	],
	[
		'a module of Node in what is pure',
		more('packages/core/src/merkle.ts', `import 'node:crypto';\n`),
		`packages/core/src/merkle.ts:2: 'core' is pure: import 'node:crypto';`,
	],
	[
		'a route that reaches the store, if only for a type',
		more('packages/ca/src/routes/issue.ts', `import type { insert } from '../store/rows.ts';\n`),
		'packages/ca/src/routes/issue.ts: routes do not reach the store: call one domain function',
	],
	[
		'a store that knows the rules',
		more('packages/ca/src/store/rows.ts', `import type {} from '../domain/subject.ts';\n`),
		'packages/ca/src/store/rows.ts: the store knows neither wire nor rules',
	],
	[
		'a deep import, though the exports name it',
		{
			'packages/bench/package.json': '{}',
			'packages/bench/src/main.ts': `import '@chancery/ca/domain/issue';\n`,
			'packages/ca/package.json': '{ "exports": { "./domain/issue": "./src/domain/issue.ts" } }',
		},
		`packages/bench/src/main.ts: '@chancery/ca/domain/issue' lies inside of ca: it is not part of its face`,
	],
	[
		'an import that the exports do not name',
		{
			...more('packages/ca/src/main.ts', `import '@chancery/chassis/domain-error';\n`),
		},
		`packages/ca/src/main.ts: '@chancery/chassis/domain-error' is not in the exports of chassis: npm run exports`,
	],
	[
		'an export that nobody uses',
		{ 'packages/ca/package.json': '{ "exports": { "./main": "./src/main.ts" } }' },
		`packages/ca/package.json: nobody uses './main': npm run exports`,
	],
	[
		'an export that is no file',
		{
			...more('packages/ca/src/main.ts', `export const gone = import.meta.resolve('@chancery/core/tile');\n`),
			'packages/core/package.json': '{ "exports": { "./merkle": "./src/merkle.ts", "./tile": "./src/tile.ts" } }',
		},
		`packages/core/package.json: './tile' is no file`,
	],
	[
		'a package that shows everything',
		{ 'packages/core/package.json': '{ "exports": { "./*": "./src/*.ts" } }' },
		`packages/core/package.json: './*' shows everything: npm run exports`,
	],
	[
		'what is only for mangling, elsewhere',
		{
			...more('packages/ca/src/main.ts', `import '@chancery/chassis/tested/listener';\n`),
			'packages/chassis/package.json':
				'{ "exports": { "./http/listener": "./src/http/listener.ts", "./tested/listener": "./src/http/listener.ts" } }',
		},
		`packages/ca/src/main.ts: '@chancery/chassis/tested/listener' is for tests and the bench alone`,
	],
	[
		'a path into another package',
		more('packages/ca/test/issue.test.ts', `const other = '../../core/test/vectors.ts';\n`),
		`packages/ca/test/issue.test.ts:3: '../../core/test/vectors.ts' leaves the package`,
	],
	[
		'a circle, though one of its imports is of a type',
		{
			...more('packages/ca/src/store/rows.ts', `import './pages.ts';\n`),
			'packages/ca/src/store/pages.ts': `import './parts.ts';\n`,
			'packages/ca/src/store/parts.ts': `import type { insert } from './rows.ts';\n`,
		},
		`packages/ca/src/store/pages.ts: imports itself in a circle: ${['pages', 'parts', 'rows', 'pages'].map((name) => `packages/ca/src/store/${name}.ts`).join(' -> ')}`,
	],
	[
		'a folder that imports one above it',
		{
			'packages/chassis/src/tls/main.ts': `export { code } from '../http/listener.ts';\n`,
		},
		`packages/chassis/src/tls/main.ts: '../http/listener.ts' points up: chassis has . <- config <- service-definition.ts <- tls <- http <- tokens <- process`,
	],
	[
		'a folder that has no place in the order',
		{ 'packages/chassis/src/grab/main.ts': '\n' },
		`packages/chassis/src/grab/main.ts: 'grab' has no place in the order of the folders of chassis`,
	],
	[
		'a file of src that only tests reach',
		{
			...more('packages/ca/test/issue.test.ts', `import '../src/domain/made-tokens.ts';\n`),
			'packages/ca/src/domain/made-tokens.ts': 'export const token = 1;\n',
		},
		'packages/ca/src/domain/made-tokens.ts: no program reaches it: it belongs to the tests, to testkit, or to nobody',
	],
	[
		'a file of src that is named after tests',
		{
			...more('packages/ca/src/domain/issue.ts', `import './test-issuer.ts';\n`),
			'packages/ca/src/domain/test-issuer.ts': '\n',
		},
		'packages/ca/src/domain/test-issuer.ts: a file of this name belongs to the tests, or to testkit',
	],
	[
		'vitest in src',
		more('packages/ca/src/domain/issue.ts', `import { expect } from 'vitest';\n`),
		'packages/ca/src/domain/issue.ts: only tests import vitest',
	],
	[
		'src that needs what tests have',
		{
			...more('packages/ca/src/domain/issue.ts', `import '../../test/fake.ts';\n`),
			'packages/ca/test/fake.ts': '\n',
		},
		`packages/ca/src/domain/issue.ts: '../../test/fake.ts' is for tests`,
	],
	[
		'a key read in the wrong place',
		more('packages/ca/src/domain/issue.ts', 'createPublicKey(pem);\n'),
		'packages/ca/src/domain/issue.ts:3: keys from outside are read by keys/public-key or keys/jwk',
	],
	[
		'a file that others may read',
		more('packages/ca/src/domain/issue.ts', 'writeFile(path, text);\n'),
		'packages/ca/src/domain/issue.ts:3: a file is made with mode 0o600, or by file-modes.ts',
	],
	[
		'a time from text',
		more('packages/ca/src/domain/issue.ts', 'new Date(text);\n'),
		'packages/ca/src/domain/issue.ts:3: a time from text is read by packages/core/src/calendar-time.ts, or a number is called ...Ms',
	],
	[
		'an error for others that has no code',
		more('packages/ca/src/domain/issue.ts', 'export class Refused extends Error {}\n'),
		'packages/ca/src/domain/issue.ts: what others may catch extends ChanceryError (core/chancery-error) and has a stable code',
	],
	[
		'a table of the log engine elsewhere',
		{
			...more('packages/ca/src/domain/issue.ts', `export const query = 'select size from tlog_heads';\n`),
			'packages/tlog/migrations/0001_init.sql': `create table \${schema}.tlog_heads (size bigint);\n`,
		},
		`packages/ca/src/domain/issue.ts: tlog_heads is the log engine's alone: ask a function of tlog`,
	],
	[
		'an exception that nothing needs',
		{ '.ci/exceptions.json': '[{ "complaint": "a circle", "until": "the work" }]' },
		'.ci/exceptions.json: nothing breaks /a circle/ any more (the work): take it out',
	],
];

it('lets a tree pass that breaks no rule', () => {
	expect(complaintsOf({})).toEqual([]);
});

it.each(BROKEN)('refuses %s, and says nothing else', (_rule, changes, complaint) => {
	expect(complaintsOf(changes)).toEqual([complaint]);
});

it.each([
	['1 with what is broken', { 'notes.md': 'x' }, 1, /^notes\.md: .*\nhouse rules: 1 broken\n$/, /^$/],
	['0 when nothing is', {}, 0, /^$/, /^house rules: 12 files, none broken\n$/],
])('is a program that ends with %s', (_end, changes: Files, code, errors, output) => {
	const { status, stderr, stdout } = spawnSync(process.execPath, [HOUSE, makeTree(changes)], { encoding: 'utf8' });
	expect([status, stderr, stdout]).toEqual([code, expect.stringMatching(errors), expect.stringMatching(output)]);
});

it('lets pass what an exception names, and nothing beside it', () => {
	const changes = {
		...more('packages/ca/src/domain/issue.ts', 'createPublicKey(pem);\n'),
		'notes.md': 'x',
		'.ci/exceptions.json': '[{ "complaint": "^packages/ca/.* keys from outside", "until": "the work" }]',
	};
	expect(complaintsOf(changes)).toEqual([`notes.md: 'notes.md' is not a top-level name of this repository`]);
});

it('has its exports written from what other packages name, and no others', () => {
	const root = makeTree({
		...more('packages/ca/test/issue.test.ts', `const program = import.meta.resolve('@chancery/chassis/main');\n`),
		'packages/chassis/src/main.ts': 'export {};\n',
		'packages/chassis/package.json': '{ "name": "chassis", "exports": { "./*": "./src/*.ts" }, "private": true }',
		'packages/core/package.json':
			'{ "exports": { "./*": "./src/*.ts", "./tested/tree": "./src/merkle.ts", "./tested/note": "./src/merkle.ts" } }',
		'packages/conformance/package.json': '{}',
		'packages/conformance/test/mangle.test.ts': `import '@chancery/core/tested/tree';\n`,
	});
	expect(execFileSync(process.execPath, [EXPORTS, root], { encoding: 'utf8' })).toContain(
		'chassis/package.json: 2 exports',
	);
	const written = (name: string) => JSON.parse(readFileSync(join(root, 'packages', name, 'package.json'), 'utf8'));
	expect(written('chassis')).toEqual({
		name: 'chassis',
		exports: { './http/listener': './src/http/listener.ts', './main': './src/main.ts' },
		private: true,
	});
	expect(written('core').exports).toEqual({ './tested/tree': './src/merkle.ts', './merkle': './src/merkle.ts' });
	expect(written('conformance').exports).toEqual({});
	expect(checkHouse(root).complaints).toEqual([]);
});

it('has no exports written for what is no file', () => {
	const root = makeTree(more('packages/ca/src/main.ts', `import '@chancery/core/tile';\n`));
	const { status, stderr } = spawnSync(process.execPath, [EXPORTS, root], { encoding: 'utf8' });
	expect([status, stderr]).toEqual([1, 'named, but no files: @chancery/core/tile\n']);
});
