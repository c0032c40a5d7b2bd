/** A copy of the packages in which faults can be made, and one run of tests in it. */
import { spawn } from 'node:child_process';
import { cp, mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { applyEdits, type Edit } from './fault.ts';

const ROOT_FILES = ['package.json', 'vitest.config.ts', 'tsconfig.json', 'tsconfig.base.json'];

/** Long enough for the slowest file when everything in it waits. */
const RUN_TIMEOUT_MS = 300_000;

/** A machine that is busy with something else must neither fail a sound test nor catch a fault: what fails, fails twice. */
const PATIENT = ['--retry=1', '--testTimeout=90000', '--hookTimeout=180000'];

export interface TestRun {
	/** Names of the tests that failed, with their files. */
	readonly failed: readonly string[];
	readonly passed: number;
	/** What the runner said, when it has not come to an end of its own. */
	readonly trouble: string | undefined;
}

interface Report {
	readonly numPassedTests: number;
	readonly testResults: readonly {
		readonly name: string;
		readonly message: string;
		readonly assertionResults: readonly { readonly status: string; readonly fullName: string }[];
	}[];
}

export class PackagesCopy {
	readonly #folder: string;
	readonly #databaseUrl: string;

	private constructor(folder: string, databaseUrl: string) {
		this.#folder = folder;
		this.#databaseUrl = databaseUrl;
	}

	/** Installed packages are linked and not copied; ours are reached inside of the copy, by the relative links they have. */
	static async make(root: string, folder: string, databaseUrl: string): Promise<PackagesCopy> {
		await mkdir(folder, { recursive: true });
		for (const file of ROOT_FILES) await cp(join(root, file), join(folder, file));
		await cp(join(root, 'packages'), join(folder, 'packages'), { recursive: true, verbatimSymlinks: true });
		await mkdir(join(folder, 'node_modules'));
		// Caches belong to their own tree.
		for (const name of await readdir(join(root, 'node_modules')))
			if (!name.startsWith('.vite'))
				await symlink(join(root, 'node_modules', name), join(folder, 'node_modules', name));
		return new PackagesCopy(folder, databaseUrl);
	}

	/** Runs test files with the edits made, up to the first failure, and takes the edits back. */
	async run(tests: readonly string[], edits: readonly Edit[] = []): Promise<TestRun> {
		const originals = new Map<string, string>();
		for (const { file } of edits) originals.set(file, await readFile(this.#path(file), 'utf8'));
		for (const [file, text] of applyEdits(edits, (name) => originals.get(name)!))
			await writeFile(this.#path(file), text);
		try {
			return await this.#vitest(tests, edits.length > 0);
		} finally {
			for (const [file, text] of originals) await writeFile(this.#path(file), text);
		}
	}

	#path(file: string): string {
		return join(this.#folder, 'packages', file);
	}

	async #vitest(tests: readonly string[], bail: boolean): Promise<TestRun> {
		const report = join(this.#folder, 'report.json');
		await rm(report, { force: true });
		const args = [
			'node_modules/vitest/vitest.mjs',
			'run',
			'--project',
			'fast',
			'--reporter=json',
			`--outputFile=${report}`,
		];
		args.push(...PATIENT);
		if (bail) args.push('--bail=1');
		const files = tests.map((test) => join('packages', test));
		const { code, words } = await this.#spawn([...args, ...files]);
		// Sound code comes to the end in a fraction of the time: to wait for ever is to have noticed.
		if (code === null) return { failed: [`no end within ${RUN_TIMEOUT_MS / 1000} s`], passed: 0, trouble: words };
		const text = await readFile(report, 'utf8').catch(() => undefined);
		if (text === undefined)
			return { failed: [], passed: 0, trouble: `no report (exit ${code}): ${words.slice(-2_000)}` };
		const { testResults, numPassedTests } = JSON.parse(text) as Report;
		const failed = testResults.flatMap(({ name, assertionResults }) =>
			assertionResults
				.filter(({ status }) => status === 'failed')
				.map(({ fullName }) => `${basename(name)}: ${fullName.trim()}`),
		);
		// A file whose set-up fails has tried no test, and has noticed all the same.
		for (const { name, message } of testResults)
			if (message) failed.push(`${basename(name)}: ${message.split('\n', 1)[0]}`);
		const trouble = code !== 0 && failed.length === 0 ? `exit ${code}: ${words.slice(-500)}` : undefined;
		return { failed, passed: numPassedTests, trouble };
	}

	async #spawn(args: readonly string[]): Promise<{ code: number | null; words: string }> {
		const child = spawn(process.execPath, args, {
			cwd: this.#folder,
			env: { ...process.env, TEST_DATABASE_URL: this.#databaseUrl, NO_COLOR: '1', CI: '1' },
			stdio: ['ignore', 'pipe', 'pipe'],
			timeout: RUN_TIMEOUT_MS,
			killSignal: 'SIGKILL',
		});
		let words = '';
		for (const stream of [child.stdout, child.stderr])
			stream.on('data', (chunk) => {
				words = `${words}${chunk}`.slice(-10_000);
			});
		const { promise, resolve, reject } = Promise.withResolvers<number | null>();
		child.on('error', reject);
		child.on('close', resolve);
		return { code: await promise, words };
	}
}
