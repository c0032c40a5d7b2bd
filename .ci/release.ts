/**
 * `npm run release -- X.Y.Z` makes a version of what is checked out: moves the notes of the changelog under its number,
 * writes the number into package.json, the one place that has it, prints what is derived from it, commits and tags.
 * docs/releasing.md says what comes before and after. Nothing is pushed.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Why there is no release. Nothing has been changed. */
export class ReleaseRefused extends Error {
	override readonly name = 'ReleaseRefused';
}

const VERSION = /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)$/;

/**
 * Releases the checkout at `root` as `version` (three numbers), dated `day` (YYYY-MM-DD). A crash between its steps leaves
 * changed files or an untagged commit, which `git status` and `git log` show.
 * @throws {ReleaseRefused} when the tree is dirty, the notes are not ready, or the version is none or not the next
 */
export function release(root: string, version: string, day: string): void {
	const git = (...args: string[]) => execFileSync('git', args, { cwd: root, encoding: 'utf8' }).trim();
	const manifestPath = join(root, 'package.json');
	const changelogPath = join(root, 'CHANGELOG.md');
	const tag = `v${version}`;

	if (!VERSION.test(version)) throw new ReleaseRefused(`'${version}' is no version: give three numbers, such as 1.2.3`);
	const changed = git('status', '--porcelain');
	if (changed !== '') throw new ReleaseRefused(`the working tree has changes that are not committed:\n${changed}`);
	const manifest = readFileSync(manifestPath, 'utf8');
	const current = (JSON.parse(manifest) as { version: string }).version;
	if (!isLater(version, current))
		throw new ReleaseRefused(`${version} does not come after ${current}, the version of package.json`);
	if (git('tag', '--list', tag) !== '') throw new ReleaseRefused(`the tag ${tag} is there already`);
	const changelog = withVersion(readFileSync(changelogPath, 'utf8'), version, day);

	writeFileSync(changelogPath, changelog);
	writeFileSync(manifestPath, manifest.replace(/^(\s*"version": ")[^"]+(",?)$/m, `$1${version}$2`));
	const printed = printVersion(root, version);
	git('commit', '--quiet', '--message', `Release ${version}`, '--', 'CHANGELOG.md', 'package.json', ...printed);
	git('tag', '--annotate', '--message', version, tag);
}

/** The chart and the OpenAPI documents name the version: they are printed anew. Returns what changed. */
function printVersion(root: string, version: string): string[] {
	return [...printChart(root, version), ...printDocuments(root)];
}

function printChart(root: string, version: string): string[] {
	const path = 'deploy/helm/chancery/Chart.yaml';
	if (!existsSync(join(root, path))) return [];
	const chart = readFileSync(join(root, path), 'utf8');
	writeFileSync(join(root, path), chart.replace(/^(version|appVersion): .*$/gm, `$1: ${version}`));
	return [path];
}

function printDocuments(root: string): string[] {
	const program = join(root, '.ci/openapi.ts');
	if (!existsSync(program)) return [];
	execFileSync(process.execPath, [program], { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] });
	return ['docs/openapi'];
}

function isLater(version: string, current: string): boolean {
	const [a, b] = [version, current].map((text) => text.split('.').map(Number)) as [number[], number[]];
	const first = a.findIndex((number, i) => number !== b[i]);
	return first !== -1 && a[first]! > b[first]!;
}

/** The changelog with what stands under "Unreleased" under the version. */
function withVersion(changelog: string, version: string, day: string): string {
	const [, notes] = /^## Unreleased\n([\s\S]*?)(?=^## |$(?![\s\S]))/m.exec(changelog) ?? [];
	if (notes === undefined) throw new ReleaseRefused('CHANGELOG.md has no section "Unreleased"');
	if (notes.trim() === '')
		throw new ReleaseRefused('nothing stands under "Unreleased" in CHANGELOG.md: there is nothing to release');
	const [, upgrading] = /^### Upgrading\n([\s\S]*?)(?=^### |$(?![\s\S]))/m.exec(notes) ?? [];
	if (upgrading === undefined || upgrading.trim() === '')
		throw new ReleaseRefused(
			'"Unreleased" says nothing under "### Upgrading": what must an operator do? If nothing, say "Nothing to do."',
		);
	return changelog.replace('## Unreleased\n', `## Unreleased\n\n## ${version} - ${day}\n`);
}

if (import.meta.main) {
	const [version = ''] = process.argv.slice(2);
	try {
		release(process.cwd(), version, new Date().toISOString().slice(0, 10));
		console.log(`v${version} is committed and tagged here. docs/releasing.md says how to publish it.`);
	} catch (error) {
		if (!(error instanceof ReleaseRefused)) throw error;
		console.error(`not released: ${error.message}`);
		process.exitCode = 1;
	}
}
