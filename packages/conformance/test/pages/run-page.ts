/** Runs the blocks of a page as its reader would: pasted one after another into one shell. */
import { spawn } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { type Block, isPasted } from './page.ts';

const RUN_WITHIN_MS = 240_000;
/** Such a page starts services and servers, some of them several times. */
const RUN_IN_SURROUNDING_WITHIN_MS = 540_000;

export interface Reader {
	/** Empty, except for what the first lines of the page require. */
	readonly home: string;
	readonly folder: string;
	/** Folders before those of the machine's own PATH. */
	readonly path: readonly string[];
	/** Folder for the script and for the output of the blocks; the reader does not see it. */
	readonly records: string;
	/** Program, with its arguments, that runs a shell in another surrounding; undefined: here. */
	readonly within?: readonly string[];
	/** Variables that are set already. */
	readonly env?: Readonly<Record<string, string>>;
	/** For the whole page. */
	readonly withinMs?: number;
}

export interface Pasted {
	/** Exit code; undefined when the shell ended in this block or before it. */
	readonly code: number | undefined;
	readonly printed: string;
}

/**
 * Returns the result of each block that is pasted, by its line. `before` are the blocks of another page, which the reader
 * has pasted into the same shell.
 * @throws {Error} with the output of the block of `before` that did not succeed
 */
export async function runPage(
	blocks: readonly Block[],
	reader: Reader,
	before: readonly Block[] = [],
): Promise<ReadonlyMap<number, Pasted>> {
	await mkdir(reader.records, { recursive: true });
	const pasted = blocks.filter(isPasted);
	const earlier = before.filter(isPasted);
	const script = join(reader.records, 'script.sh');
	const steps = [
		...earlier.map((block) => stepOf(block, recordOf(reader, 'before', block))),
		...pasted.map((block) => stepOf(block, recordOf(reader, 'page', block))),
	];
	await writeFile(script, ['set -euo pipefail', ENDING_WHAT_SERVES, ...steps, ''].join('\n'));
	await runShell(script, reader);
	for (const block of earlier) {
		const { code, printed } = await readRecord(recordOf(reader, 'before', block));
		if (code === undefined) throw new Error(`the page before ended in line ${block.line}:\n${printed}`);
	}
	const results = new Map<number, Pasted>();
	for (const block of pasted) results.set(block.line, await readRecord(recordOf(reader, 'page', block)));
	return results;
}

/** Path, without an extension, of the files about a block. */
const recordOf = ({ records }: Reader, page: string, { line }: Block): string => join(records, `${page}-${line}`);

async function readRecord(record: string): Promise<Pasted> {
	const read = (extension: string) => readFile(`${record}.${extension}`, 'utf8').catch(() => '');
	const code = await read('code');
	return { code: code === '' ? undefined : Number(code), printed: await read('printed') };
}

function stepOf(block: Block, record: string): string {
	const [printed, code] = [quote(`${record}.printed`), quote(`${record}.code`)];
	return `exec >${printed} 2>&1\n${bodyOf(block, printed)}\necho $? >${code}\nset -e\n`;
}

function bodyOf({ how, code, path = '' }: Block, printed: string): string {
	switch (how) {
		case 'fails':
			// In a shell of its own, so that its failure does not end the page.
			return `set +e\n(\nset -euo pipefail\n${code}\n)`;
		case 'serves':
			return `${beside(code)}\nuntil grep -q '^ready' ${printed}; do kill -0 $!; sleep 0.1; done`;
		case 'beside':
			return beside(code);
		case 'file':
			return `mkdir -p "$(dirname ${quote(path)})"\ncat >${quote(path)} <<'END OF FILE'\n${code}\nEND OF FILE`;
		default:
			return code;
	}
}

/** Runs in its own process group, as in another terminal. Ends with the page. */
const beside = (code: string): string => `set -m\n( ${code} ) &\nset +m\nserving="$serving -$!"`;
const ENDING_WHAT_SERVES = `serving=\ntrap '[ -z "$serving" ] || { kill -- $serving; wait; } 2>/dev/null' EXIT`;

const quote = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

function runShell(
	script: string,
	{
		home,
		folder,
		path,
		within = [],
		env = {},
		withinMs = within.length > 0 ? RUN_IN_SURROUNDING_WITHIN_MS : RUN_WITHIN_MS,
	}: Reader,
): Promise<void> {
	const [program = '', ...args] = [...within, 'bash', '--noprofile', '--norc', script];
	const child = spawn(program, args, {
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
			...env,
		},
		timeout: withinMs,
		// A program that makes a surrounding may keep the gentler signal from it.
		killSignal: within.length > 0 ? 'SIGKILL' : 'SIGTERM',
	});
	return new Promise((resolve, reject) => {
		child.once('error', reject);
		child.once('exit', () => resolve());
	});
}
