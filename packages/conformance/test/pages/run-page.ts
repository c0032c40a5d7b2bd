/** Runs the blocks of a page as its reader would: pasted one after another into one shell. */
import { spawn } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { type Block, isPasted } from './page.ts';

const RUN_WITHIN_MS = 240_000;

export interface Reader {
	/** Empty, except for what the first lines of the page require. */
	readonly home: string;
	readonly folder: string;
	/** Folders before those of the machine's own PATH. */
	readonly path: readonly string[];
	/** Folder for the script and for the output of the blocks; the reader does not see it. */
	readonly records: string;
}

export interface Pasted {
	/** Exit code; undefined when the shell ended in this block or before it. */
	readonly code: number | undefined;
	readonly printed: string;
}

/** Returns the result of each block that is pasted, by its line. */
export async function runPage(blocks: readonly Block[], reader: Reader): Promise<ReadonlyMap<number, Pasted>> {
	await mkdir(reader.records, { recursive: true });
	const pasted = blocks.filter(isPasted);
	const script = join(reader.records, 'script.sh');
	await writeFile(script, ['set -euo pipefail', ...pasted.map((block) => stepOf(block, reader)), ''].join('\n'));
	await runShell(script, reader);
	const read = (name: string) => readFile(join(reader.records, name), 'utf8').catch(() => '');
	const results = new Map<number, Pasted>();
	for (const { line } of pasted) {
		const code = await read(`${line}.code`);
		results.set(line, { code: code === '' ? undefined : Number(code), printed: await read(`${line}.printed`) });
	}
	return results;
}

/** A block that must fail gets a shell of its own, so that its failure does not end the page. */
function stepOf({ line, how, code }: Block, { records }: Reader): string {
	const record = (what: string) => quote(join(records, `${line}.${what}`));
	const body =
		how === 'fails'
			? `set +e\n(\nset -euo pipefail\n${code}\n)`
			: how === 'serves'
				? serving(code, record('printed'))
				: code;
	return `exec >${record('printed')} 2>&1\n${body}\necho $? >${record('code')}\nset -e\n`;
}

/** Runs in its own process group, as in another terminal; the next block waits for `ready`. Ends with the page. */
const serving = (code: string, printed: string): string => `set -m
( ${code} ) &
set +m
trap "kill -- -$!; wait" EXIT
until grep -q '^ready' ${printed}; do kill -0 $!; sleep 0.1; done`;

const quote = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

function runShell(script: string, { home, folder, path }: Reader): Promise<void> {
	const child = spawn('bash', ['--noprofile', '--norc', script], {
		cwd: folder,
		stdio: 'ignore',
		// Nothing else from this machine: no settings and, in CI, none of the variables in which clients look for tokens.
		env: {
			PATH: [...path, process.env.PATH].join(delimiter),
			HOME: home,
			// Wide, without colours and unbuffered, so that the output can be compared.
			COLUMNS: '1000',
			NO_COLOR: '1',
			PYTHONUNBUFFERED: '1',
		},
		timeout: RUN_WITHIN_MS,
	});
	return new Promise((resolve, reject) => {
		child.once('error', reject);
		child.once('exit', () => resolve());
	});
}
