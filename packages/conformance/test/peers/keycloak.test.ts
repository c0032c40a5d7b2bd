/**
 * docs/operate/company.md, pasted: a company whose own Keycloak is the issuer, from an empty realm to signatures of people and
 * machines, and what happens when something of that changes. Keycloak and the clients are unmodified.
 */
import { readFileSync } from 'node:fs';
import { chmod, cp, readFile, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { findPeer } from '@chancery/testkit/peers/find-peer';
import { CLIENTS, type ClientName } from '@chancery/testkit/peers/peer-table';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { CHECKOUT } from '../pages/default-instance.ts';
import { expectAsShown } from '../pages/expect-as-shown.ts';
import { install, readInstall } from '../pages/installs.ts';
import { EMAIL } from '../pages/operate/company.ts';
import { type OperatorReader, openOperatorMachine } from '../pages/operate/operator-machine.ts';
import { type Block, isPasted, readPage } from '../pages/page.ts';
import { type Pasted, runPage } from '../pages/run-page.ts';

const PAGE = 'docs/operate/company.md';
/** The reader pastes it where the page says so: between the realm and the first signature. */
const FIRST = 'docs/operate/README.md';
const INSTANCE_HEADING = '## 3. The instance';
const PASSWORD_OF_PERSON = 'correct horse battery staple';
const PASTED_WITHIN_MS = 1_200_000;

const markdown = readFileSync(join(CHECKOUT, PAGE), 'utf8');
const page = readPage(markdown);
const pasted = page.blocks.filter(isPasted);
const instanceLine = markdown.split('\n').indexOf(INSTANCE_HEADING) + 1;
// Lines name the blocks of both pages.
const SHIFT = 100_000;
const first = readPage(readFileSync(join(CHECKOUT, FIRST), 'utf8')).blocks.map((block) => ({
	...block,
	line: block.line + SHIFT,
}));

let machine: OperatorReader;
let became: ReadonlyMap<number, Pasted>;

beforeAll(async () => {
	machine = await openOperatorMachine(join(import.meta.dirname, 'keycloak/provider.ts'));
	const keycloak = dirname(dirname(inject('peers').keycloak));
	// It writes into its own folder.
	await cp(keycloak, join(machine.base, 'keycloak'), { recursive: true });
	await writeBrowser();
	const clients = await findClients();
	for (const { code } of page.blocks.filter(({ how }) => how === 'install'))
		for (const each of readInstall(code)) await install(each, (client) => clients.get(client), machine);
	const isBefore = ({ line }: Block) => line < instanceLine;
	const blocks = [...pasted.filter(isBefore), ...first, ...pasted.filter((block) => !isBefore(block))];
	const password = 'an administrator of the tests';
	became = await runPage(blocks, {
		...machine,
		withinMs: PASTED_WITHIN_MS,
		env: {
			KC_BOOTSTRAP_ADMIN_USERNAME: 'admin',
			KC_BOOTSTRAP_ADMIN_PASSWORD: password,
			KEYCLOAK_ADMIN_PASSWORD: password,
			BROWSER: 'xdg-open',
		},
	});
	if (became.get(pasted.at(0)?.line ?? 0)?.code === undefined)
		throw new Error(`nothing could be pasted. Keycloak said:\n${(await keycloakLog()).slice(-3000)}`);
}, PASTED_WITHIN_MS + 600_000);
afterAll(() => machine?.remove());

const keycloakLog = () => readFile(join(machine.base, 'keycloak.log'), 'utf8').catch(() => '(nothing)');

/** Of the clients that the page installs. */
async function findClients(): Promise<ReadonlyMap<ClientName, string>> {
	const found = new Map<ClientName, string>();
	for (const client of ['cosign 3', 'sigstore-python'] as const) {
		const peer = await findPeer(client, CLIENTS[client]);
		if ('notRun' in peer) throw new Error(peer.notRun);
		found.set(client, peer.path);
	}
	return found;
}

/** What clients start: it returns at once, as on a desktop, and the person signs in. */
async function writeBrowser(): Promise<void> {
	const program = join(machine.base, 'bin/xdg-open');
	const node = join(CHECKOUT, 'node_modules/.bin/node');
	const browser = join(import.meta.dirname, 'keycloak/browser.ts');
	const log = join(machine.base, 'browser.log');
	const person = `LOGIN_NAME=${EMAIL.split('@')[0]} LOGIN_PASSWORD='${PASSWORD_OF_PERSON}'`;
	const authority = `NODE_EXTRA_CA_CERTS=${join(machine.base, 'authority.crt')}`;
	await writeFile(program, `#!/bin/sh\n${person} ${authority} ${node} ${browser} "$1" >>${log} 2>&1 </dev/null &\n`);
	await chmod(program, 0o755);
}

it('has no block that nobody runs', () => {
	expect(page.faults).toEqual([]);
	expect(instanceLine).toBeGreaterThan(0);
});

it(`pastes ${FIRST} in the middle`, () => {
	for (const block of first.filter(isPasted)) expectAsShown(block, became.get(block.line));
});

it.each(pasted)('line $line: $how', (block) => expectAsShown(block, became.get(block.line)));

it('lets the person sign in at the first try', async () => {
	expect(await readFile(join(machine.base, 'browser.log'), 'utf8')).toBe('');
});

it('says how long it took', async () => {
	const endOf = async (block: Block | undefined) =>
		(await stat(join(machine.records, `page-${block?.line}.code`))).mtimeMs / 1000;
	const begun = await endOf(pasted.at(0));
	const signed = await endOf(first.filter(isPasted).at(-1));
	const ended = await endOf(pasted.at(-1));
	process.stderr.write(
		`from an empty realm to a verified signature ${(signed - begun).toFixed(1)} s, the whole page ${(ended - begun).toFixed(1)} s\n`,
	);
});
