/**
 * `chancery init` on a terminal: a real pseudo terminal (util-linux's `script`), in which questions are answered as by
 * somebody who reads them.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EXAMPLES } from '@chancery/stack/bootstrap/init/example-answers';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { parse } from 'yaml';
import { CHANCERY, run } from './commands.ts';
import { Terminal } from './terminal.ts';

const RETURN = '\r';
const DOWN = '\u001b[B';
const CTRL_C = '\u0003';
const CLEAR = '\u0015';

let folder: string;
let terminal: Terminal | undefined;
beforeEach(async () => {
	folder = await mkdtemp(join(tmpdir(), 'chancery-dialogue-'));
});
afterEach(async () => {
	terminal?.end();
	await rm(folder, { recursive: true });
});

function init(...args: string[]): Terminal {
	terminal = new Terminal(`${CHANCERY} init ${args.join(' ')}`, folder);
	return terminal;
}

/** Up to the question of the folder, for one host; a wrong answer before each right one. */
async function answerOneHost(asked: Terminal): Promise<void> {
	await asked.answer('What is the instance for?', RETURN);
	await asked.answer('Name of your organization', `Exa<mple${RETURN}`);
	await asked.answer('expected letters, digits, spaces', `${CLEAR}Example${RETURN}`);
	await asked.answer('Domain of the services', `https://sign.example.com${RETURN}`);
	await asked.answer('expected a', `${CLEAR}sign.example.com${RETURN}`);
	await asked.answer('Are these right?', RETURN);
	await asked.answer('OpenID Connect issuer', `login${RETURN}`);
	await asked.answer('nvalid URL', `${CLEAR}https://login.example.com/realms/people${RETURN}`);
	await asked.answer('What do its tokens say?', RETURN);
	await asked.answer('Another issuer?', RETURN);
	await asked.answer('Who speaks TLS', RETURN);
	await asked.answer('PostgreSQL:', `${CLEAR}postgres://me:pa55@db/chancery${RETURN}`);
	await asked.answer('holds a password', `${CLEAR}postgres:///chancery?host=/var/run/postgresql${RETURN}`);
	await asked.answer('Folder for the marks', `${CLEAR}marks${RETURN}`);
	await asked.answer('expected an absolute path', `${CLEAR}/var/lib/chancery/marks${RETURN}`);
	await asked.answer('Where are the keys', RETURN);
	await asked.answer('Who certifies', RETURN);
	await asked.answer('Passphrase of the offline keys?', RETURN);
}

it('asks, refuses what the file would refuse, shows the plan, and keeps answers that make the same', async () => {
	const asked = init();
	await answerOneHost(asked);
	await asked.answer('Folder of the instance', `${CLEAR}./made${RETURN}`);
	await asked.answer('offline/tuf-root.pem', '');
	writeFileSync(join(folder, 'mine.yaml'), '# mine\n');
	await asked.answer('File for these answers', `${CLEAR}mine.yaml${RETURN}`);
	await asked.answer('there is such a file', `${CLEAR}answers.yaml${RETURN}`);
	expect(readdirSync(folder)).toEqual(['mine.yaml']);
	await asked.answer('Make the instance', RETURN);
	expect(await asked.ended, asked.screen).toBe(0);

	const example = parse(EXAMPLES['one-host']);
	const answers = parse(readFileSync(join(folder, 'answers.yaml'), 'utf8'));
	expect(answers).toEqual({ ...example, listen: { host: '127.0.0.1', portBase: 7400 } });
	const fingerprint = readFileSync(join(folder, 'made/trust/fingerprint.txt'), 'utf8').trim();
	expect(asked.screen).toContain(`SHA-256 of the first root: ${fingerprint}`);
	expect(readFileSync(join(folder, 'mine.yaml'), 'utf8')).toBe('# mine\n');
	const again = await run({}, 'init', '--answers', join(folder, 'answers.yaml'), '--out', join(folder, 'made'));
	expect(again).toMatchObject({ code: 0, stdout: `SHA-256 of the first root: ${fingerprint}\n` });
});

it('separate hosts: every service is placed, and keys in an HSM are named', async () => {
	const asked = init('--dry-run', '--out', join(folder, 'made'));
	await asked.answer('What is the instance for?', `${DOWN}${RETURN}`);
	await asked.answer('Name of your organization', `Example${RETURN}`);
	await asked.answer('Domain of the services', `sign.example.com${RETURN}`);
	await asked.answer('Are these right?', RETURN);
	await asked.answer('OpenID Connect issuer', `https://login.example.com${RETURN}`);
	await asked.answer('What do its tokens say?', RETURN);
	await asked.answer('Another issuer?', RETURN);
	await asked.answer('Certificate of the host', RETURN);
	await asked.answer('Its key', RETURN);
	await asked.answer('Address on which', RETURN);
	await asked.answer('PostgreSQL:', `${CLEAR}/etc/chancery/database-url${RETURN}`);
	await asked.answer('Folder for the marks', RETURN);
	await asked.answer('Name of a host', `Logs!${RETURN}`);
	await asked.answer('by lower-case letters', `${CLEAR}logs${RETURN}`);
	await asked.answer('under which the other hosts reach logs', `logs.sign.example.com${RETURN}`);
	// ca is first in the list, then log.
	await asked.answer('Which services run on logs?', `${DOWN} ${RETURN}`);
	await asked.answer('Name of a host', `logs${RETURN}`);
	await asked.answer('of this name already', `${CLEAR}rest${RETURN}`);
	await asked.answer('under which the other hosts reach rest', `rest.sign.example.com${RETURN}`);
	await asked.answer('Which services run on rest?', `a${RETURN}`);
	await asked.answer('Where are the keys', `${DOWN}${RETURN}`);
	await asked.answer('Which are there?', ` ${RETURN}`);
	await asked.answer('PKCS#11 module', `/usr/lib/softhsm/libsofthsm2.so${RETURN}`);
	await asked.answer('Label of the token', `my token${RETURN}`);
	await asked.answer('File with its PIN', `/etc/chancery/pin${RETURN}`);
	await asked.answer('Label of the key ca.issuing', `issuing${RETURN}`);
	await asked.answer('Who certifies', RETURN);
	await asked.answer('Passphrase', RETURN);
	await asked.answer('hosts/rest/chancery.yaml', '');
	expect(await asked.ended, asked.screen).toBe(0);
	expect(asked.screen).not.toContain('ca-issuing.pem');
	expect(readdirSync(folder)).toEqual([]);
});

it.each([
	['at the first question', 'What is the instance for?', async () => undefined],
	[
		'at the last one',
		'Make the instance',
		async (asked: Terminal) => {
			await answerOneHost(asked);
			await asked.answer('Folder of the instance', RETURN);
			await asked.answer('File for these answers', RETURN);
		},
	],
])('Ctrl-C %s ends it with 130, and nothing was made', async (_, question, before) => {
	const asked = init();
	await before(asked);
	await asked.answer(question, CTRL_C);
	expect(await asked.ended, asked.screen).toBe(130);
	expect(asked.screen).toContain('nothing was made');
	expect(readdirSync(folder)).toEqual([]);
});

it('without a terminal it says what to give instead', async () => {
	const { code, stderr } = await run({}, 'init');
	expect({ code, stderr }).toEqual({
		code: 2,
		stderr: expect.stringMatching(/--answers FILE and --out DIR are needed .*--example one-host > answers\.yaml/),
	});
	expect(existsSync(join(folder, 'instance'))).toBe(false);
});
