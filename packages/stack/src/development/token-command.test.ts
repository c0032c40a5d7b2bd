/** `chancery token` as a command: what it prints where, and how it ends. */
import { execFile, spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { readIdentityToken } from '@chancery/client/identity-token';
import { presetIssuer } from '@chancery/wire/identity';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DEVELOPMENT_SECRET, signIn, startIssuer, type TestIssuer } from '../../test/login-issuer.ts';

const COMMAND = fileURLToPath(new URL('../../../cli/bin/chancery', import.meta.url));
const BROWSER = fileURLToPath(new URL('../../test/sign-in-browser.ts', import.meta.url));
const EMAIL = 'alice@example.com';

let at: TestIssuer;
let folder: string;
beforeAll(async () => {
	at = await startIssuer();
	folder = mkdtempSync(join(tmpdir(), 'chancery-token-'));
	const browser = join(folder, 'browser');
	writeFileSync(browser, `#!/bin/sh\nexec '${process.execPath}' '${BROWSER}' "$@"\n`);
	chmodSync(browser, 0o755);
	writeFileSync(join(folder, 'secret'), `${DEVELOPMENT_SECRET}\n`);
});
afterAll(async () => {
	await at.stop();
	rmSync(folder, { recursive: true });
});

const env = () => ({ PATH: process.env.PATH, HOME: folder, BROWSER: join(folder, 'browser') });
const run = (...args: string[]) => promisify(execFile)(COMMAND, ['token', ...args], { env: env() });

describe('chancery token', () => {
	it('opens the browser, and prints the token of whoever signs in there and nothing else', async () => {
		const { stdout, stderr } = await run('--login', '--issuer', at.issuer, '--json');
		const { token } = JSON.parse(stdout) as { token: string };
		expect(readIdentityToken(token)).toMatchObject({ issuer: at.issuer, subject: EMAIL });
		expect(stderr).toContain(`${at.issuer}/auth?`);
		expect(stderr).not.toContain(token);
	});

	it('asks for the code of a page', async () => {
		const child = spawn(COMMAND, ['token', '--login', 'code', '--issuer', at.issuer], { env: env() });
		const printed = text(child.stdout);
		for await (const line of createInterface(child.stderr)) {
			const url = /^Sign in at (\S+)$/.exec(line)?.[1];
			if (url === undefined) continue;
			child.stdin.end(`${/id="code">([^<]+)</.exec(await signIn(url, EMAIL))?.[1]}\n`);
		}
		expect(readIdentityToken(await printed)).toMatchObject({ issuer: at.issuer, subject: EMAIL });
	});

	it('mints one of a preset, of an issuer of our own', async () => {
		const issuer = presetIssuer(at.publicUrl, 'gitlab');
		const { stdout } = await run('--preset', 'gitlab', '--issuer', issuer, '--secret-file', join(folder, 'secret'));
		expect(readIdentityToken(stdout)).toMatchObject({ issuer, subject: expect.stringMatching(/^project_path:/) });
	});
});
