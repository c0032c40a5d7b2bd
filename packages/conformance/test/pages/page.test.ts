/** What a tolerant suite would miss: pages that nobody runs, outputs that differ from the page, wrong exit codes. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readInstall } from './installs.ts';
import { isPasted, readPage } from './page.ts';
import { type Pasted, runPage } from './run-page.ts';
import { differenceOf } from './shown-output.ts';

const block = (info: string, text: string) => `\`\`\`${info}\n${text}\n\`\`\`\n`;

describe('a page', () => {
	it('shows the output of the block above, also after a sentence', () => {
		const { blocks, faults } = readPage(`# x\n${block('sh', 'echo a')}\nprints\n\n${block('text', 'a')}`);
		expect(faults).toEqual([]);
		expect(blocks).toMatchObject([{ line: 2, how: 'run', code: 'echo a', output: 'a' }]);
	});

	it.each([
		['a language that is not run', block('js', 'x()')],
		['no language', block('', 'x')],
		['an output of nothing', block('text', 'x')],
		['a second output', block('sh', 'x') + block('text', 'x') + block('text', 'x')],
		['a refusal that it does not show', block('sh fails', 'x')],
		['a refusal of several commands', block('sh fails', 'x\ny') + block('text', 'x')],
		['a block that is left out without a reason', block('sh not-run', 'x')],
		['a machine that nobody has', block('sh mainframe', 'x')],
		['a file without a name', block('yaml', 'x: 1')],
		['an output of a file', block('yaml x.yaml', 'x: 1') + block('text', 'x')],
		['a fence in a list', '  ```sh\n  x\n  ```\n'],
		['a fence of tildes', '~~~sh\nx\n~~~\n'],
		['a block without an end', '```sh\nx\n'],
	])('is refused for %s', (_what, markdown) => {
		expect(readPage(markdown).faults).not.toEqual([]);
	});

	it('may leave out a block for a reason that readers see, and start the instance', () => {
		const markdown = `Not run by the tests: needs a browser.\n\n${block('sh not-run', 'x')}${block('sh', 'npm start')}`;
		expect(readPage(markdown)).toMatchObject({ faults: [], blocks: [{ how: 'not-run' }, { how: 'start' }] });
		expect(readPage(block('sh', 'npm start\nrm x')).blocks).toMatchObject([{ how: 'run' }]);
	});
});

describe('a page for operators', () => {
	it('has files to write, excerpts of settings, what runs beside, and blocks for other machines', () => {
		const kinds = [
			block('nginx /etc/nginx/conf.d/x.conf', 'server {}'),
			block('yaml answers.yaml', 'x: 1'),
			block('yaml settings', 'tsa: {}'),
			block('sh beside', 'x'),
			block('sh compose', 'x') + block('text', 'x'),
		];
		const { blocks, faults } = readPage(kinds.join('\n'));
		expect(faults).toEqual([]);
		expect(blocks.map(({ how, path }) => path ?? how)).toEqual([
			'/etc/nginx/conf.d/x.conf',
			'answers.yaml',
			'settings',
			'beside',
			'compose',
		]);
		expect(blocks.filter(isPasted).map(({ how }) => how)).toEqual(['file', 'file', 'beside']);
	});
});

describe('an output', () => {
	it.each([
		['a', 'a\n'],
		['a b', '  a \t b  \n\n'],
		['a ... c', 'a b c'],
		['{"a":[...]}', '{"a":[1,2]}'],
		['...\nc\n...', 'a\nb\nc\nc'],
		['a\n...\nb', 'a\nb'],
		['a\n...\nb\n...', 'a\nx\na\nb\ny'],
	])('%j is what %j shows', (shown, printed) => expect(differenceOf(shown, printed)).toBeUndefined());

	it.each([
		['a', 'ab'],
		['a.c', 'abc'],
		['a', 'a\nb'],
		['a\nb', 'a'],
		['a ... c', 'a\nb\nc'],
		['...\nc', 'a\nc\nb'],
		['a', ''],
	])('%j is not what %j shows', (shown, printed) => expect(differenceOf(shown, printed)).toMatch('not as shown'));
});

describe('an installation', () => {
	it.each([
		'npm install sigstore',
		'npm install sigstore@5.0.0',
		'npm install sigstore@5.0.1 vitest@1.0.0',
		'go install github.com/sigstore/cosign/v3/cmd/cosign@latest',
		'~/x/bin/pip install sigstore==4.5.1',
		'python3 -m venv ~/x\n~/y/bin/pip install sigstore==4.5.1',
		'curl http://localhost/cosign',
	])('%s is refused', (code) => expect(() => readInstall(code)).toThrow());
});

describe('a shell beside which something runs', () => {
	let base: string;
	beforeAll(async () => {
		base = await mkdtemp(join(tmpdir(), 'chancery-pages-'));
	});
	afterAll(() => rm(base, { recursive: true, force: true }));
	const run = async (name: string, markdown: string) => {
		const reader = { home: base, folder: base, path: [], records: join(base, name) };
		return [...(await runPage(readPage(markdown).blocks, reader)).values()];
	};

	it('pastes the next block when that is ready, and ends it with the page', async () => {
		const serving = `trap 'echo stopped; exit' TERM\nsleep 0.3; touch is-up; echo ready\nwhile :; do sleep 0.1; done`;
		const results = await run('served', block('sh serves', serving) + block('sh', 'ls is-up'));
		expect(results).toEqual([
			{ code: 0, printed: expect.stringMatching(/^ready\n[\s\S]*stopped\n/) },
			{ code: 0, printed: 'is-up\n' },
		]);
	});

	it('waits for nothing when it runs beside, and several may', async () => {
		const beside = (name: string) => block('sh beside', `touch ${name}; while :; do sleep 0.1; done`);
		const waiting = block('sh', 'until [ -e one ] && [ -e two ]; do sleep 0.1; done; ls one two');
		const results = await run('beside', beside('one') + beside('two') + waiting);
		expect(results.map(({ code }) => code)).toEqual([0, 0, 0]);
		expect(results.at(-1)?.printed).toBe('one\ntwo\n');
	});

	it('pastes what was pasted from another page before, and names the block of it that failed', async () => {
		const reader = { home: base, folder: base, path: [], records: join(base, 'after') };
		const { blocks } = readPage(`${block('text b.txt', "it's $HOME")}${block('sh', 'cat b.txt; echo "$SET"')}`);
		const results = await runPage(blocks, reader, readPage(block('sh', 'SET=before')).blocks);
		expect([...results.values()].at(-1)).toEqual({ code: 0, printed: "it's $HOME\nbefore\n" });
		const again = { ...reader, records: join(base, 'after-failure') };
		const failing = runPage(blocks, again, readPage(block('sh', 'echo because; exit 3')).blocks);
		await expect(failing).rejects.toThrow(/line 1:\nbecause/);
	});

	it('ends when that ends before it is ready', async () => {
		const results = await run('refused', block('sh serves', 'echo taken; exit 1') + block('sh', 'echo never'));
		expect(results).toEqual([
			{ code: undefined, printed: expect.stringContaining('taken') },
			{ code: undefined, printed: '' },
		]);
	});
});

describe('a shell', () => {
	let base: string;
	let results: Pasted[];
	beforeAll(async () => {
		base = await mkdtemp(join(tmpdir(), "chancery's pages-"));
		const markdown = [
			block('sh', "WORD='kept'\ncat <<'END'\nto \"paste\"\nEND"),
			block('sh fails', 'echo "$WORD" >&2; exit 3') + block('text', 'kept'),
			block('sh fails', 'true') + block('text', ''),
			block('sh', 'echo "$WORD"'),
			block('sh', 'false | true'),
			block('sh', 'echo never'),
		].join('\n');
		const { blocks, faults } = readPage(markdown);
		expect(faults).toEqual([]);
		const ran = await runPage(blocks, { home: base, folder: base, path: [], records: join(base, 'records') });
		results = [...ran.values()];
	});
	afterAll(() => rm(base, { recursive: true, force: true }));

	it('keeps what a block has set, and ends at the first that fails', () => {
		expect(results).toEqual([
			{ code: 0, printed: 'to "paste"\n' },
			{ code: 3, printed: 'kept\n' },
			{ code: 0, printed: '' },
			{ code: 0, printed: 'kept\n' },
			{ code: undefined, printed: '' },
			{ code: undefined, printed: '' },
		]);
	});
});
