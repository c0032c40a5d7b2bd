/**
 * A copy of the packages in which an example is tried, so that the checkout stays as it is. Packages find each other by
 * relative links, which lead within the copy; what others have made is that of the checkout.
 */
import { execFile } from 'node:child_process';
import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { chmod, cp, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'vitest';
import type { Example } from './example-blocks.ts';

const CHECKOUT = join(import.meta.dirname, '../../../..');
const ROOT_FILES = [
	'README.md',
	'package.json',
	'tsconfig.base.json',
	'tsconfig.json',
	'vitest.config.ts',
	'biome.json',
];

/** Without what this run of vitest has set for itself: another one may be among the programs. */
const ENVIRONMENT = Object.fromEntries(
	Object.entries({ ...process.env, NO_COLOR: '1' }).filter(
		([name]) => !/^(VITEST|TEST$|NODE_ENV$|FORCE_COLOR$)/.test(name),
	),
);

export interface Outcome {
	/** Exit code. */
	readonly code: number;
	/** Both of its outputs. */
	readonly said: string;
}

export interface WorkspaceCopy {
	readonly root: string;
	/** Runs the project's Node with these arguments in the copy. */
	node(...args: readonly string[]): Promise<Outcome>;
	remove(): Promise<void>;
}

/** Copies the packages and makes the changes of the example there. */
export async function copyWithExample({ files, additions }: Example): Promise<WorkspaceCopy> {
	const root = await mkdtemp(join(tmpdir(), 'chancery-example-'));
	// The database server of root runs as another user, who must be able to pass.
	await chmod(root, 0o711);
	await Promise.all([
		cp(join(CHECKOUT, 'packages'), join(root, 'packages'), { recursive: true, verbatimSymlinks: true }),
		...ROOT_FILES.map((name) => cp(join(CHECKOUT, name), join(root, name))),
		symlink(join(CHECKOUT, 'node_modules'), join(root, 'node_modules')),
	]);
	for (const { path, text } of files) {
		if (existsSync(join(root, path))) throw new Error(`${path} is there already: it is no example any more`);
		writeFileSync(join(root, path), text);
	}
	for (const { path, lines } of additions) {
		if (!readFileSync(join(root, path), 'utf8').endsWith('\n')) throw new Error(`${path} ends within a line`);
		appendFileSync(join(root, path), `${lines.join('\n')}\n`);
	}
	const copy: WorkspaceCopy = {
		root,
		node: (...args) => run(join(CHECKOUT, 'node_modules/.bin/node'), args, root),
		remove: () => rm(root, { recursive: true }),
	};
	// As `npm run format` would: the line goes where the alphabet has it.
	await biome(copy, '--write', ...additions.map(({ path }) => path));
	return copy;
}

/** Runs a program to its end, also one that fails. */
export async function run(program: string, args: readonly string[], cwd = CHECKOUT): Promise<Outcome> {
	try {
		const { stdout, stderr } = await promisify(execFile)(program, args, { cwd, env: ENVIRONMENT });
		return { code: 0, said: stdout + stderr };
	} catch (error) {
		const { code, stdout = '', stderr = '' } = error as { code?: unknown; stdout?: string; stderr?: string };
		if (typeof code !== 'number') throw error;
		return { code, said: stdout + stderr };
	}
}

/** Asserts that the compiler accepts these packages of the copy. */
export async function checkTypes(copy: WorkspaceCopy, packages: readonly string[]): Promise<void> {
	const settings = {
		extends: './tsconfig.base.json',
		include: packages.map((name) => `packages/${name}/src/**/*.ts`),
		exclude: ['packages/*/src/**/*.test.ts'],
	};
	writeFileSync(join(copy.root, 'tsconfig.example.json'), JSON.stringify(settings));
	const { code, said } = await copy.node('node_modules/typescript/bin/tsc', '-p', 'tsconfig.example.json');
	expect(code, said).toBe(0);
}

/** Asserts that formatter and linter accept the files of the example. */
export async function checkForm(copy: WorkspaceCopy, { files, additions }: Example): Promise<void> {
	await biome(copy, ...[...files, ...additions].map(({ path }) => path));
}

async function biome(copy: WorkspaceCopy, ...args: readonly string[]): Promise<void> {
	const { code, said } = await copy.node(
		'node_modules/@biomejs/biome/bin/biome',
		'check',
		'--vcs-enabled=false',
		...args,
	);
	expect(code, said).toBe(0);
}
