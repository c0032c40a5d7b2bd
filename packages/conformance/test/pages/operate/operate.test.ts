/**
 * Every block of docs/operate does what the page says, on a machine of its own. Whoever reads a page has pasted the first
 * one, README.md, before.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { CHECKOUT } from '../default-instance.ts';
import { expectAsShown } from '../expect-as-shown.ts';
import { isElsewhere, isPasted, type Page, readPage } from '../page.ts';
import { type Pasted, runPage } from '../run-page.ts';
import { openOperatorMachine } from './operator-machine.ts';
import { settingsProblem } from './settings.ts';

const FOLDER = 'docs/operate';
const FIRST = `${FOLDER}/README.md`;
/** A test of peers pastes it: it needs a provider of other people. */
const WITH_PROVIDER = `${FOLDER}/company.md`;
const PEERS = join(CHECKOUT, 'packages/conformance/test/peers');

/** Every block that a test of peers takes from a page. */
const takenByPeers = readdirSync(PEERS, { recursive: true, encoding: 'utf8' })
	.filter((name) => name.endsWith('.ts'))
	.flatMap((name) => [
		...readFileSync(join(PEERS, name), 'utf8').matchAll(/pageBlock\(\s*'([^']+)',\s*'(\w+)',\s*'([^']+)',?\s*\)/g),
	])
	.map(([, path, how, beginning = '']) => ({ path, how, beginning }));

const readPath = (path: string): Page => readPage(readFileSync(join(CHECKOUT, path), 'utf8'));
const first = readPath(FIRST);
const pages = readdirSync(join(CHECKOUT, FOLDER))
	.filter((name) => name.endsWith('.md'))
	.map((name) => ({ path: `${FOLDER}/${name}`, ...readPath(`${FOLDER}/${name}`) }));
const pastedOf = ({ path, blocks }: Page & { readonly path: string }) =>
	path === WITH_PROVIDER ? [] : blocks.filter(isPasted);

async function paste({ path, blocks }: (typeof pages)[number]): Promise<ReadonlyMap<number, Pasted>> {
	const machine = await openOperatorMachine();
	try {
		return await runPage(blocks, machine, path === FIRST ? [] : first.blocks);
	} finally {
		await machine.remove();
	}
}

it('is a page that leads to every other', () => {
	const linked = new Set(
		[...readFileSync(join(CHECKOUT, FIRST), 'utf8').matchAll(/\]\(([\w-]+\.md)\)/g)].map(([, it]) => it),
	);
	const others = pages.map(({ path }) => path.slice(FOLDER.length + 1)).filter((name) => name !== 'README.md');
	expect([...linked].sort()).toEqual(others.sort());
});

describe.each(pages)('$path', (page) => {
	it('has no block that nobody runs', () => {
		expect(page.faults).toEqual([]);
	});

	const excerpts = page.blocks.filter(({ how }) => how === 'settings');
	it.runIf(excerpts.length > 0).each(excerpts)('line $line shows settings that there are', ({ code }) => {
		expect(settingsProblem(code)).toBeUndefined();
	});

	const others = page.blocks.filter(({ how }) => isElsewhere(how));
	it.runIf(others.length > 0).each(others)('line $line: $how, is run by a test of peers', ({ how, code }) => {
		const beginnings = takenByPeers.filter((taken) => taken.path === page.path && taken.how === how);
		expect(beginnings.filter(({ beginning }) => code.startsWith(beginning))).toHaveLength(1);
	});

	// A page that only writes files here is for another machine.
	describe.runIf(pastedOf(page).some(({ how }) => how !== 'file'))('pasted', () => {
		let became: ReadonlyMap<number, Pasted> | undefined;
		beforeAll(async () => {
			became = await paste(page);
		});

		it.each(pastedOf(page))('line $line: $how', (block) => expectAsShown(block, became?.get(block.line)));
	});
});
