/** Every command of the pages, pasted without changes, does what the page says. */
import { readdirSync, readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ClientName } from '@chancery/testkit/peers/peer-table';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { CHECKOUT } from './default-instance.ts';
import { expectAsShown } from './expect-as-shown.ts';
import { type Install, install, readInstall } from './installs.ts';
import { isPasted, type Page, readPage } from './page.ts';
import { makeReader } from './reader.ts';
import { type Pasted, runPage } from './run-page.ts';
import { differenceOf } from './shown-output.ts';

const CLIENT_PAGES = 'docs/clients';
/** Pages whose reader is in the checkout; readers of all others have a running instance and an empty folder. */
const IN_CHECKOUT = ['README.md', `${CLIENT_PAGES}/README.md`];

const names = readdirSync(join(CHECKOUT, CLIENT_PAGES)).filter((name) => name.endsWith('.md'));
/** The second page has no block yet; a new block in it will be run. */
const OTHERS = ['README.md', 'docs/life-of-a-signature.md'];
const pages = [...OTHERS, ...names.map((name) => `${CLIENT_PAGES}/${name}`)].map((path) => {
	const page = readPage(readFileSync(join(CHECKOUT, path), 'utf8'));
	return { path, ...page, ...installsOf(page) };
});

function installsOf({ blocks, faults }: Page): { installs: readonly Install[]; faults: readonly string[] } {
	const installs: Install[] = [];
	const more: string[] = [];
	for (const { line, code } of blocks.filter(({ how }) => how === 'install')) {
		try {
			installs.push(...readInstall(code));
		} catch (error) {
			more.push(`line ${line}: ${(error as Error).message}`);
		}
	}
	return { installs, faults: [...faults, ...more] };
}

/** Undefined when the client is not installed: then the setup has reported that it is not run. */
function pathOf(client: ClientName): string | undefined {
	const found = inject('clients')[client];
	return 'path' in found ? found.path : undefined;
}

/** The same for every user, and as fast. */
const asYours = (said: string): string =>
	said.replaceAll(inject('homeOfInstance'), '/home/you').replaceAll(/\d+\.\d s\b/g, '0.0 s');

async function paste({ path, blocks, installs }: (typeof pages)[number]): Promise<ReadonlyMap<number, Pasted>> {
	const reader = await makeReader(IN_CHECKOUT.includes(path) ? 'checkout' : 'instance', inject('homeOfInstance'));
	try {
		for (const each of installs) await install(each, pathOf, reader);
		return await runPage(blocks, reader);
	} finally {
		await rm(reader.base, { recursive: true, force: true });
	}
}

const pastedOf = ({ blocks }: Page) => blocks.filter(isPasted);
const canRun = ({ installs }: (typeof pages)[number]) =>
	installs.every((each) => each.kind === 'with' || pathOf(each.client) !== undefined);

/** Two pages at a time: most of the time a page waits for the start of a client. */
const PAGES_AT_ONCE = 2;
const waiting = pages.filter((page) => canRun(page) && pastedOf(page).length > 0);
const results = new Map(waiting.map(({ path }) => [path, Promise.withResolvers<ReadonlyMap<number, Pasted>>()]));
let lanes: Promise<void>[] = [];
beforeAll(() => {
	const pasteNext = async (): Promise<void> => {
		const page = waiting.shift();
		if (page === undefined) return;
		const result = results.get(page.path);
		await paste(page).then(result?.resolve, result?.reject);
		return pasteNext();
	};
	lanes = Array.from({ length: PAGES_AT_ONCE }, pasteNext);
});
afterAll(async () => {
	// When only some tests are selected: the running paste ends, and no new one starts.
	waiting.length = 0;
	await Promise.allSettled(lanes);
});

describe.each(pages)('$path', (page) => {
	it('has no block that nobody runs, and installs what test:clients installs', () => {
		expect(page.faults).toEqual([]);
	});

	const started = page.blocks.filter(({ how, output }) => how === 'start' && output !== undefined);
	it.runIf(started.length > 0).each(started)('line $line shows what is said at the start', ({ output = '' }) => {
		expect(differenceOf(asYours(output), asYours(inject('saidAtStart')))).toBeUndefined();
	});

	describe.runIf(results.has(page.path))('pasted', () => {
		let became: ReadonlyMap<number, Pasted> | undefined;
		beforeAll(async () => {
			became = await results.get(page.path)?.promise;
		});

		it.each(pastedOf(page))('line $line: $how', (block) => expectAsShown(block, became?.get(block.line)));
	});
});
