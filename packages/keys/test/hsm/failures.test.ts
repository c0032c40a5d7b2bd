/** A token or its module that fails while it is in use: one attempt to open it again, else a refusal, never a hang. */
import { execFileSync, spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { moduleProcesses, TestToken } from '@chancery/testkit/softhsm';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { KeyError } from '../../src/key-error.ts';
import { openPkcs11Key } from '../../src/pkcs11/pkcs11-key.ts';
import { verifySignature } from '../../src/verify-signature.ts';

const MESSAGE = new TextEncoder().encode('a sealed letter');
/** Short, so that the tests are. */
const LIMITS = { sessions: 4, openWithinMs: 10_000, signWithinMs: 1_000 };

let token: TestToken;
beforeEach(() => {
	token = new TestToken();
	token.makeKey('EC:prime256v1', 'issuer', '01');
});
afterEach(() => {
	for (const pid of moduleProcesses()) process.kill(pid, 'SIGKILL');
	token.close();
});

const open = () => openPkcs11Key(token.uri('object=issuer'), { pin: token.pin }, LIMITS);
const onlyProcess = () => {
	const [pid, ...others] = moduleProcesses();
	expect(others).toEqual([]);
	return pid!;
};
const refusalOf = (signing: Promise<unknown>) =>
	signing.then(
		() => expect.fail('it signed'),
		(error: unknown) => {
			expect(error).toBeInstanceOf(KeyError);
			expect(String(error)).not.toContain(token.pin);
			expect(String(error)).not.toContain('module-path');
			return error as KeyError;
		},
	);

describe('a signer', () => {
	it('goes on with another process when its module has ended', async () => {
		const signer = await open();
		const first = onlyProcess();
		process.kill(first, 'SIGKILL');
		expect(
			verifySignature({ publicKey: signer.publicKey, message: MESSAGE, signature: await signer.sign(MESSAGE) }),
		).toBe(true);
		expect(onlyProcess()).not.toBe(first);
	});

	it('ends a module that does not answer, and signs with another, for all who wait', async () => {
		const signer = await open();
		process.kill(onlyProcess(), 'SIGSTOP');
		const signatures = await Promise.all(Array.from({ length: 64 }, () => signer.sign(MESSAGE)));
		for (const signature of signatures)
			expect(verifySignature({ publicKey: signer.publicKey, message: MESSAGE, signature })).toBe(true);
		expect(moduleProcesses()).toHaveLength(1);
	});

	it('refuses while its token is away, and signs again when it is back', async () => {
		const signer = await open();
		token.remove();
		const refusals = await Promise.all(Array.from({ length: 64 }, () => refusalOf(signer.sign(MESSAGE))));
		expect(new Set(refusals.map(({ code }) => code))).toEqual(new Set(['token-missing']));
		expect(refusals[0]!.message).toMatch(/because a signature failed: CKR_/);
		token.insert();
		const deadline = performance.now() + 10_000;
		let signature = await signer.sign(MESSAGE).catch(() => undefined);
		while (signature === undefined && performance.now() < deadline) {
			await sleep(200);
			signature = await signer.sign(MESSAGE).catch(() => undefined);
		}
		expect(verifySignature({ publicKey: signer.publicKey, message: MESSAGE, signature: signature! })).toBe(true);
	});

	it('tries a PIN that is no longer right once, and never again', async () => {
		const signer = await open();
		token.tool('--login', '--change-pin', '--new-pin', '13572468');
		process.kill(onlyProcess(), 'SIGKILL');
		expect((await refusalOf(signer.sign(MESSAGE))).code).toBe('pin-wrong');
		// Longer than after any other failure; with the right PIN it would sign, but nobody tries.
		execFileSync('pkcs11-tool', [
			...['--module', token.module, '--token-label', token.label, '--login', '--pin', '13572468'],
			...['--change-pin', '--new-pin', token.pin],
		]);
		await sleep(1_500);
		expect((await refusalOf(signer.sign(MESSAGE))).code).toBe('pin-wrong');
		expect(moduleProcesses()).toEqual([]);
		expect((await open()).publicKey).toEqual(signer.publicKey);
	});

	it('does not go on with another key that has taken the name of its own', async () => {
		const signer = await open();
		token.tool('--login', '--delete-object', '--type', 'privkey', '--id', '01');
		token.tool('--login', '--delete-object', '--type', 'pubkey', '--id', '01');
		token.makeKey('EC:prime256v1', 'issuer', '02');
		expect((await refusalOf(signer.sign(MESSAGE))).code).toBe('key-mismatch');
	});

	it('refuses at once what would wait behind a thousand others', async () => {
		const signer = await open();
		const outcomes = await Promise.allSettled(Array.from({ length: 1_100 }, () => signer.sign(MESSAGE)));
		const refused = outcomes.filter((outcome) => outcome.status === 'rejected');
		expect(refused).toHaveLength(1_100 - 1_000 - 2 * LIMITS.sessions);
		expect(refused[0]!.reason).toMatchObject({
			code: 'sign-failed',
			message: expect.stringContaining('more than 1000'),
		});
	});

	it('keeps no process alive, and its module ends with it, whatever way it ends', async () => {
		const source = new URL('../../src/open-signer.ts', import.meta.url).href;
		const script = `
			const { openSigner } = await import(${JSON.stringify(source)});
			const signer = await openSigner(process.env.KEY_URI, { pin: process.env.KEY_PIN });
			await signer.sign(new Uint8Array(3));
			const { readdirSync, readFileSync } = await import('node:fs');
			const children = readFileSync('/proc/self/task/' + process.pid + '/children', 'utf8').trim();
			console.log(children);
			if (process.env.END === 'killed') process.kill(process.pid, 'SIGKILL');
			if (process.env.END === 'with a module that hangs') process.kill(Number(children), 'SIGSTOP');`;
		for (const end of ['in order', 'killed', 'with a module that hangs']) {
			const env = { ...process.env, KEY_URI: token.uri('object=issuer'), KEY_PIN: token.pin, END: end };
			const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
				env,
				stdio: ['ignore', 'pipe', 'inherit'],
			});
			let output = '';
			child.stdout.on('data', (bytes: Buffer) => {
				output += bytes.toString();
			});
			const [code, signal] = await new Promise<[number | null, string | null]>((resolve) =>
				child.once('close', (...how) => resolve(how)),
			);
			expect([code, signal]).toEqual(end === 'killed' ? [null, 'SIGKILL'] : [0, null]);
			expect(output.trim()).toMatch(/^[0-9]+$/);
			const isAlive = () => {
				try {
					return process.kill(Number(output), 0);
				} catch {
					return false;
				}
			};
			const deadline = performance.now() + 5_000;
			while (isAlive() && performance.now() < deadline) await sleep(20);
			expect(isAlive(), end).toBe(false);
		}
	});
});
