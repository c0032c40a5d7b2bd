/**
 * The tables of docs/clients: every pinned client with its version and the page that installs it, and how each one is told to trust a
 * private authority, which test:clients tries for all of them.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CLIENT_NAMES, CLIENTS } from '@chancery/testkit/peers/peer-table';
import { expect, it } from 'vitest';
import { TLS_SETTINGS } from '../clients/tls-settings.ts';
import { CHECKOUT } from './default-instance.ts';
import { readInstall } from './installs.ts';
import { readPage } from './page.ts';

const FOLDER = join(CHECKOUT, 'docs/clients');
const textOf = (name: string) => readFileSync(join(FOLDER, name), 'utf8');

const rows = [...textOf('README.md').matchAll(/^\| [^|]+ \| ([^|]+) \|.*\[[\w-]+\]\(([\w-]+\.md)\) \|$/gm)].map(
	([, version = '', page = '']) => ({ version, page }),
);
const installs = rows.map(({ version, page }) => {
	const blocks = readPage(textOf(page)).blocks.filter(({ how }) => how === 'install');
	const clients = blocks
		.flatMap(({ code }) => readInstall(code))
		.flatMap((it) => (it.kind === 'with' ? [] : [it.client]));
	return { version, page, clients };
});

it('is on a page that leads to every other', () => {
	const pages = readdirSync(FOLDER).filter((name) => name !== 'README.md');
	const linked = new Set([...textOf('README.md').matchAll(/\]\(([\w-]+\.md)\)/g)].map(([, page = '']) => page));
	expect([...linked].sort()).toEqual(pages.sort());
});

it('leads to an installation of every pinned client', () => {
	expect(installs.flatMap(({ clients }) => clients).sort()).toEqual([...CLIENT_NAMES].sort());
});

it.each(installs.filter(({ clients }) => clients.length > 0))('names the version on $page', ({ version, clients }) => {
	expect(clients.map((client) => CLIENTS[client].version)).toEqual([version]);
});

it('tells every client of a private authority as test:clients does', () => {
	const table = [...textOf('private-ca.md').matchAll(/^\| ([^|]+) \| (`[^|]+) \|/gm)];
	const told = table.flatMap(([, clients = '', how = '']) => {
		const variables = [...how.matchAll(/`([A-Z_]+)`/g)].map(([, variable]) => variable);
		return clients.split(', ').map((client) => [client.replace(' (npm)', ''), variables]);
	});
	expect(Object.fromEntries(told)).toEqual(TLS_SETTINGS);
});
