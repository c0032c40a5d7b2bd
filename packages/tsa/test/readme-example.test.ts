/** The configuration in the README of the chassis, with a process that starts from it. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createFileKey } from '@chancery/keys/file/file-key';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { makeAuthority } from './authority-fixture.ts';

const MAIN = fileURLToPath(new URL('../src/main.ts', import.meta.url));
const README = readFileSync(new URL('../../chassis/README.md', import.meta.url), 'utf8');
const PASSPHRASE = 'correct horse';

let folder: string;
let chainPem: string;
beforeAll(async () => {
	folder = mkdtempSync(join(tmpdir(), 'chancery-example-'));
	for (const name of ['etc/chancery/tls', 'run/credentials/chancery-tsa'])
		mkdirSync(join(folder, name), { recursive: true, mode: 0o700 });
	const signer = await createFileKey(join(folder, 'etc/chancery/tsa.pem'), 'ecdsa-sha2-256-nistp256', {
		passphrase: PASSPHRASE,
	});
	chainPem = (await makeAuthority({ signer })).chain.chainPem;
	writeFileSync(join(folder, 'run/credentials/chancery-tsa/passphrase'), PASSPHRASE, { mode: 0o600 });
	const pair = ['-nodes', '-keyout', 'tls.key', '-out', 'tls.crt'];
	const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-subj', '/CN=tsa.example.com'];
	execFileSync('openssl', ['req', '-x509', ...key, ...pair], {
		cwd: join(folder, 'etc/chancery/tls'),
		stdio: 'ignore',
	});
});
afterAll(() => rmSync(folder, { recursive: true }));

/** The example, with what it leaves out: files of its own, free ports, a chain, the digest of a token. */
function example(): string {
	const [, yaml = ''] = /```yaml\n(profile: [\s\S]*?)```/.exec(README) ?? [];
	return yaml
		.replace(/\/(etc|run|var)\/(?=c|lib)/g, (path) => `${folder}${path}`)
		.replace(/port: \d+/g, 'port: 0')
		.replace(/ {4}-----BEGIN CERTIFICATE-----\n {4}\.\.\.\n/, chainPem.replace(/^(?=.)/gm, '    '))
		.replace(/<hex [^>]*>/, 'ab'.repeat(32));
}

it('starts the service, in production and without an exception', async () => {
	const config = join(folder, 'chancery.yaml');
	writeFileSync(config, example());
	const child = spawn(process.execPath, [MAIN, '--config', config], {
		env: { PATH: process.env.PATH },
		stdio: ['ignore', 'ignore', 'pipe'],
	});
	let log = '';
	child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
		log += chunk;
	});
	const ended = once(child, 'close');
	const isUp = expect.poll(() => log, { timeout: 30_000 }).toMatch(/"url":"https:/);
	await Promise.race([isUp, ended]);
	child.kill('SIGTERM');
	expect([...(await ended), log]).toEqual([0, null, expect.stringMatching(/"url":"https:/)]);
	expect(example()).toMatch(/^profile: production .*\nallow: \[\] /);
});
