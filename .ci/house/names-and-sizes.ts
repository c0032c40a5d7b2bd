/** What a file may be called, where it may lie and how long it may be. */
import { basename } from 'node:path';
import type { Complaint, SourceFile, SourceTree } from './source-tree.ts';

/** Top-level names; nothing else may lie in the root of the repository. */
const TOP_LEVEL = new Set(
	`README.md LICENSE CONTRIBUTING.md CHANGELOG.md SECURITY.md package.json pnpm-workspace.yaml pnpm-lock.yaml
	tsconfig.base.json tsconfig.json biome.json vitest.config.ts docker-compose.yml .ci deploy docs packages
	.gitignore .editorconfig .dockerignore .devcontainer .github`.split(/\s+/),
);

const BANNED_NAMES = new Set(
	'util utils common helper helpers shared misc lib manager base impl types constants index'.split(' '),
);

/** A file with more lines than this has more than one purpose. Tests may be longer: they are tables. */
const MAX_SOURCE_LINES = 400;
const MAX_TEST_LINES = 450;

export function namesAndSizes(tree: SourceTree): Complaint[] {
	return [...tree.paths.flatMap(checkName), ...[...tree.sources.values()].flatMap(checkText)];
}

function checkName(path: string): Complaint[] {
	const [top = ''] = path.split('/');
	const banned = path
		.split('/')
		.map((part) => part.replace(/\.(test\.)?[a-z]+$/, ''))
		.filter((name) => BANNED_NAMES.has(name.toLowerCase()));
	return [
		...(TOP_LEVEL.has(top) ? [] : [`${path}: '${top}' is not a top-level name of this repository`]),
		...banned.map((name) => `${path}: '${name}' names no purpose; say what it is`),
	];
}

function checkText({ path, text, isTest }: SourceFile): Complaint[] {
	const complaints: Complaint[] = [];
	const lines = text.split('\n').length - 1;
	const limit = isTest ? MAX_TEST_LINES : MAX_SOURCE_LINES;
	if (lines > limit) complaints.push(`${path}: ${lines} lines; ${limit} is the limit`);
	if (!isTest && /\/\/.*\b(TODO|FIXME|XXX)\b/.test(text))
		complaints.push(`${path}: unfinished work is an issue, not a comment`);
	if (basename(path) === 'errors.ts' && path.includes('/routes/'))
		complaints.push(`${path}: statuses live in src/errors.ts`);
	return complaints;
}
