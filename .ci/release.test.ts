import { execFileSync } from 'node:child_process';
import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ReleaseRefused, release } from './release.ts';

const ROOT = join(import.meta.dirname, '..');
const MANIFEST = '{\n\t"name": "x",\n\t"version": "0.9.0",\n\t"engines": { "version": "no" }\n}\n';
const OLD = '## 0.9.0 - 2026-01-01\n\n### Upgrading\n\nOld notes.\n';
const NOTES = '### Upgrading\n\n- Run the migration.\n\n### Added\n\n- A thing.\n';
const withNotes = (notes: string) => `# Changelog\n\n## Unreleased\n\n${notes}\n${OLD}`;

let folder: string;
const git = (...args: string[]) => execFileSync('git', args, { cwd: folder, encoding: 'utf8' }).trim();
const read = (name: string) => readFileSync(join(folder, name), 'utf8');

function commit(changelog: string): void {
	writeFileSync(join(folder, 'CHANGELOG.md'), changelog);
	git('add', '.');
	git('commit', '--quiet', '--allow-empty', '--message', 'Change');
}

beforeEach(() => {
	folder = mkdtempSync(join(tmpdir(), 'release-'));
	git('init', '--quiet', '--initial-branch', 'main');
	for (const [name, value] of [
		['user.name', 'Test'],
		['user.email', 'test@example.com'],
		['commit.gpgsign', 'false'],
		['tag.gpgsign', 'false'],
	] as const)
		git('config', name, value);
	writeFileSync(join(folder, 'package.json'), MANIFEST);
	commit(withNotes(NOTES));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

it.each(['0.9.1', '0.10.0', '1.0.0', '10.0.0'])(
	'%s is a commit and a tag, with the notes under its number',
	(version) => {
		release(folder, version, '2026-12-24');
		expect(read('CHANGELOG.md')).toBe(`# Changelog\n\n## Unreleased\n\n## ${version} - 2026-12-24\n\n${NOTES}\n${OLD}`);
		expect(read('package.json')).toBe(MANIFEST.replace('0.9.0', version));
		expect(git('status', '--porcelain')).toBe('');
		expect(git('log', '-1', '--format=%s')).toBe(`Release ${version}`);
		expect(git('rev-parse', `v${version}^{commit}`)).toBe(git('rev-parse', 'HEAD'));
		expect(git('cat-file', '-t', `v${version}`)).toBe('tag');
		// The next one needs notes of its own.
		expect(() => release(folder, '11.0.0', '2026-12-25')).toThrow(/nothing stands under "Unreleased"/);
	},
);

it('prints what is derived from the version before it commits', () => {
	mkdirSync(join(folder, '.ci'), { mode: 0o700 });
	mkdirSync(join(folder, 'docs/openapi'), { recursive: true, mode: 0o700 });
	writeFileSync(
		join(folder, '.ci/openapi.ts'),
		`import { readFileSync, writeFileSync } from 'node:fs';
		writeFileSync('docs/openapi/ca.json', JSON.parse(readFileSync('package.json', 'utf8')).version);`,
	);
	writeFileSync(join(folder, 'docs/openapi/ca.json'), '0.9.0');
	const chart = (version: string) => `version: ${version}\nappVersion: ${version}\nkubeVersion: '>=1.30.0-0'\n`;
	mkdirSync(join(folder, 'deploy/helm/chancery'), { recursive: true, mode: 0o700 });
	writeFileSync(join(folder, 'deploy/helm/chancery/Chart.yaml'), chart('0.9.0'));
	commit(withNotes(NOTES));
	release(folder, '1.0.0', '2026-12-24');
	expect(git('show', 'v1.0.0:docs/openapi/ca.json')).toBe('1.0.0');
	expect(git('show', 'v1.0.0:deploy/helm/chancery/Chart.yaml')).toBe(chart('1.0.0').trim());
	expect(git('status', '--porcelain')).toBe('');
});

describe('nothing is released, and nothing changed,', () => {
	it.each<[what: string, prepare: () => void, version: string, reason: RegExp]>([
		[
			'when a file is changed',
			() => writeFileSync(join(folder, 'package.json'), `${MANIFEST}\n`),
			'1.0.0',
			/package\.json/,
		],
		['when a file is new', () => writeFileSync(join(folder, 'stray'), ''), '1.0.0', /stray/],
		['when nothing is noted', () => commit(withNotes('')), '1.0.0', /nothing stands under "Unreleased"/],
		['without the section', () => commit(`# Changelog\n\n${OLD}`), '1.0.0', /no section "Unreleased"/],
		['without a word on upgrading', () => commit(withNotes('### Added\n\n- A thing.\n')), '1.0.0', /### Upgrading/],
		[
			'with an empty one',
			() => commit(withNotes('### Upgrading\n\n### Added\n\n- A thing.\n')),
			'1.0.0',
			/### Upgrading/,
		],
		['as the same version', () => {}, '0.9.0', /does not come after 0\.9\.0/],
		['as an earlier one', () => {}, '0.8.12', /does not come after 0\.9\.0/],
		['when the tag is there', () => git('tag', 'v1.0.0'), '1.0.0', /v1\.0\.0 is there already/],
		...['', '1.0', 'v1.0.0', '1.0.0-rc.1', '01.0.0', '1.0.0 ', '--help'].map(
			(text) => [`as '${text}'`, () => {}, text, /is no version/] as [string, () => void, string, RegExp],
		),
	])('%s', (_what, prepare, version, reason) => {
		prepare();
		const state = () => [
			git('rev-parse', 'HEAD'),
			git('tag'),
			git('status', '--porcelain'),
			read('CHANGELOG.md'),
			read('package.json'),
		];
		const before = state();
		const attempt = () => release(folder, version, '2026-12-24');
		expect(attempt).toThrow(ReleaseRefused);
		expect(attempt).toThrow(reason);
		expect(state()).toEqual(before);
	});
});

describe('this repository', () => {
	it('has its version in one place', () => {
		const holders = ['package.json', ...globSync('packages/*/package.json', { cwd: ROOT })].filter(
			(path) => 'version' in (JSON.parse(readFileSync(join(ROOT, path), 'utf8')) as object),
		);
		expect(holders).toEqual(['package.json']);
	});

	it('has notes in the form that a release takes, newest first', () => {
		const headings = readFileSync(join(ROOT, 'CHANGELOG.md'), 'utf8').match(/^## .*$/gm) ?? [];
		expect(headings[0]).toBe('## Unreleased');
		for (const heading of headings.slice(1)) expect(heading).toMatch(/^## \d+\.\d+\.\d+ - \d{4}-\d{2}-\d{2}$/);
		const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
		expect(headings[1]).toMatch(new RegExp(`^## ${RegExp.escape(version)} - `));
	});
});
