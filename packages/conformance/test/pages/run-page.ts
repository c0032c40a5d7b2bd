/** Runs the blocks of a page as its reader would: pasted one after another into one shell. */
import { spawn } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { type Block, isPasted } from './page.ts';

const RUN_WITHIN_MS = 240_000;

export interface Reader {
	/** Empty but for what the page's first lines ask for. */
	readonly home: string;
	readonly folder: string;
	/** In front of the machine's own. */
	readonly path: readonly string[];
	/** For the script and for what the blocks print; the reader does not see it. */
	readonly records: string;
}

export interface Pasted {
	/** Undefined: the shell ended in this block or before it. */
	readonly code: number | undefined;
	readonly printed: string;
}

/** Returns what became of each block that is pasted, by its line. */
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

/** A block that is to fail has a shell of its own: its end is not the end of the page. */
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

/** In a process group of its own, as in a terminal of its own; what follows waits for `ready`. Ends with the page. */
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
		// Nothing else of this machine: neither its settings nor, in CI, the variables where clients look for tokens.
		env: {
			PATH: [...path, process.env.PATH].join(delimiter),
			HOME: home,
			// Wide, plain and in the order in which it was said, so that it can be compared.
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
