/**
 * The real command, given what cannot work: the exit code is a documented one, standard output stays empty, and standard
 * error has one line that says in words what is wrong. Nothing waits for ever, and what was there stays there.
 */
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { CHANCERY, chancery, openInstance } from '../judges/running-instance.ts';
import { type GoodFiles, type OddCommand, oddCommands } from './odd-commands.ts';
import { makeOddFiles } from './odd-files.ts';
import { oddTokenCommands } from './odd-token-commands.ts';

const EMAIL = 'alice@example.com';
/** Far more than any of these takes; a command that waits for ever is killed. */
const ENDS_WITHIN_MS = 50_000;

const instance = openInstance('instance');
const base = mkdtempSync(join(tmpdir(), 'chancery-odd-'));
const folder = join(base, 'folder');
const home = join(base, 'home');
for (const path of [folder, home]) mkdirSync(path);
const good = await goodFiles();
const commands = [...oddCommands(good, makeOddFiles(mkdtempSync(join(base, 'odd-')))), ...oddTokenCommands(good)];
afterAll(() => rmSync(base, { recursive: true }));

it.concurrent.each(commands)('$name', async (command) => {
	const { code, stdout, stderr } = await run(command);
	expect([command.code].flat(), stderr).toContain(code);
	expect(stdout).toBe('');
	expect(stderr).toMatch(/^error: [^\n]+\n$/);
	// A stack, what an engine or a schema library prints, or the system's words alone.
	expect(stderr).not.toMatch(/\bat \S+:\d+:\d+|node:internal|TypeError|RangeError|ZodError|"code":|^error: E[A-Z]+:/);
	expect(stderr).not.toMatch(/(?!\n)\p{Cc}/u);
	expect(stderr.length).toBeLessThan(2500);
	if (command.words) expect(stderr).toMatch(command.words);
});

it('nothing was written, and nothing was changed', () => {
	expect(readFileSync(good.artifact, 'utf8')).toBe('artifact');
	expect(readFileSync(join(folder, 'precious'), 'utf8')).toBe('precious');
	expect(readdirSync(folder)).toEqual(['precious']);
});

async function goodFiles(): Promise<GoodFiles> {
	const at = (name: string) => join(base, name);
	writeFileSync(at('artifact'), 'artifact');
	writeFileSync(at('predicate'), '{}');
	const token = await instance.token(EMAIL);
	const foreign = openInstance('foreignInstance');
	const files = {
		data: instance.data,
		artifact: at('artifact'),
		bundle: at('bundle'),
		statementBundle: at('statement'),
		foreignBundle: at('foreign'),
		trustedRoot: at('trusted-root'),
		signingConfig: at('signing-config'),
		root: instance.root.path,
		mirror: instance.urls.tuf,
		token,
		email: EMAIL,
		issuer: instance.oidcIssuer,
		folder,
	};
	writeFileSync(files.trustedRoot, JSON.stringify(instance.trustedRoot));
	writeFileSync(files.signingConfig, JSON.stringify(instance.signingConfig));
	const signing = ['--data', instance.data, '--identity-token', token, '--bundle'];
	await chancery('sign-blob', ...signing, files.bundle, files.artifact);
	const about = ['--predicate', at('predicate'), '--type', 'https://example.com/t'];
	await chancery('attest-blob', ...about, ...signing, files.statementBundle, files.artifact);
	const there = ['--data', foreign.data, '--identity-token', await foreign.token(EMAIL), '--bundle'];
	await chancery('sign-blob', ...there, files.foreignBundle, files.artifact);
	return files;
}

interface Ended {
	readonly code: number | null;
	readonly stdout: string;
	readonly stderr: string;
}

function run({ args, env, stdin }: OddCommand): Promise<Ended> {
	return new Promise((resolve, reject) => {
		const child = spawn(CHANCERY, args, {
			env: {
				PATH: process.env.PATH,
				HOME: home,
				XDG_STATE_HOME: home,
				...(instance.tlsCa ? { SSL_CERT_FILE: instance.tlsCa } : {}),
				...env,
			},
			stdio: 'pipe',
			timeout: ENDS_WITHIN_MS,
			killSignal: 'SIGKILL',
		});
		const said = { stdout: '', stderr: '' };
		for (const name of ['stdout', 'stderr'] as const)
			child[name].on('data', (chunk: Buffer) => {
				said[name] += chunk;
			});
		child.once('error', reject);
		child.once('close', (code) => resolve({ code, ...said }));
		// It may have ended without reading.
		child.stdin.on('error', () => undefined);
		child.stdin.end(stdin ?? '');
	});
}
