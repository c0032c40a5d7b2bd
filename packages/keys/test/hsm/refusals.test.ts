/** What is refused when a key in a token is opened, and that nothing that is said holds the PIN or the URI's query. */
import { type ChildProcess, execFileSync, fork } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { inspect } from 'node:util';
import { moduleProcesses, TestToken } from '@chancery/testkit/softhsm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { KeyError } from '../../src/key-error.ts';
import { openSigner, type SignerSecrets } from '../../src/open-signer.ts';
import type { Pkcs11Reply } from '../../src/pkcs11/pkcs11-messages.ts';

/** Writes every call down, and hands it on. Of the package opensc-pkcs11. */
const SPY = [
	'/usr/lib/x86_64-linux-gnu/pkcs11-spy.so',
	'/usr/lib/aarch64-linux-gnu/pkcs11-spy.so',
	'/usr/lib64/pkcs11-spy.so',
].find(existsSync);
const PIN = '60718293';
const WRONG_PIN = '99117755';

let token: TestToken;
beforeAll(() => {
	token = new TestToken(PIN);
	token.makeKey('EC:prime256v1', 'issuer', '01');
	token.makeKey('EC:prime256v1', 'twin', '02');
	token.makeKey('EC:prime256v1', 'twin', '03');
	token.makeKey('rsa:2048', 'rsa', '04');
	token.makeKey('EC:prime256v1', 'alone', '05');
	token.tool('--login', '--delete-object', '--type', 'pubkey', '--id', '05');
	token.makeKey('EC:prime256v1', 'exchanged', '06');
	token.tool('--login', '--delete-object', '--type', 'pubkey', '--id', '06');
	const other = join(token.folder, 'other.der');
	const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
	writeFileSync(other, publicKey.export({ type: 'spki', format: 'der' }));
	token.tool('--login', '--write-object', other, '--type', 'pubkey', '--id', '06', '--label', 'exchanged');
});
afterAll(() => token.close());

async function refusal(uri: string, secrets: SignerSecrets = { pin: PIN }): Promise<KeyError> {
	const error = await openSigner(uri, secrets).then(
		() => new Error('it opened'),
		(cause: unknown) => cause,
	);
	const everything = inspect(error, { depth: null, showHidden: true }) + String(error) + JSON.stringify(error);
	for (const secret of [PIN, WRONG_PIN, 'module-path=', 'softhsm/']) expect(everything).not.toContain(secret);
	expect(everything).not.toMatch(/\.so\b/);
	return error as KeyError;
}

describe('opening', () => {
	it.each<[string, code: string, words: RegExp, uri: () => string, secrets?: SignerSecrets]>([
		['a wrong PIN', 'pin-wrong', /one login was tried/, () => token.uri('object=issuer'), { pin: WRONG_PIN }],
		['no PIN', 'pin-missing', /`pin` of the key/, () => token.uri('object=issuer'), {}],
		['an empty PIN', 'pin-missing', /empty/, () => token.uri('object=issuer'), { pin: '' }],
		['a passphrase', 'secret-misplaced', /has a PIN/, () => token.uri('object=issuer'), { passphrase: PIN }],
		['another label', 'not-found', /--list-objects/, () => token.uri('object=isuer')],
		['another id', 'not-found', /--list-objects/, () => token.uri('object=issuer;id=%09')],
		['another token', 'token-missing', /--list-token-slots/, () => token.uri('object=issuer').replace('test', 'tset')],
		['another serial', 'token-missing', /--list-token-slots/, () => token.uri('object=issuer;serial=0')],
		['another slot', 'token-missing', /--list-token-slots/, () => token.uri('object=issuer;slot-id=4000000000')],
		['another model', 'token-missing', /--list-token-slots/, () => token.uri('model=HSM;object=issuer')],
		['another library', 'token-missing', /--list-token-slots/, () => token.uri('library-version=99;object=issuer')],
		['two keys of one label', 'ambiguous', /add id=/, () => token.uri('object=twin')],
		['an RSA key', 'unsupported-algorithm', /P-256, P-384 and Ed25519/, () => token.uri('object=rsa')],
		['no public half', 'public-key-missing', /write one beside it/, () => token.uri('object=alone')],
		['the public half of another', 'key-mismatch', /does not sign for/, () => token.uri('object=exchanged')],
		['no module', 'module-missing', /ENOENT/, () => token.uri('object=issuer', '/no/softhsm.so')],
		['a text', 'module-failed', /no PKCS#11 module/, () => token.uri('object=issuer', '/etc/hostname')],
		['a folder', 'module-failed', /no PKCS#11 module/, () => token.uri('object=issuer', '/etc')],
		['another library file', 'module-failed', /no PKCS#11 module/, () => token.uri('object=issuer', otherLibrary())],
		['a PIN in the URI', 'bad-uri', /change the PIN/, () => `${token.uri('object=issuer')}&pin-value=${PIN}`],
	])('%s is %s', async (_, code, words, uri, secrets) => {
		const error = await refusal(uri(), secrets);
		expect(error).toMatchObject({ name: 'KeyError', code });
		expect(error.message).toMatch(words);
	});

	it('leaves no process behind, and no login that counts, once it has refused', async () => {
		const deadline = performance.now() + 5_000;
		while (moduleProcesses().length > 0 && performance.now() < deadline) await new Promise((go) => setTimeout(go, 20));
		expect(moduleProcesses()).toEqual([]);
		expect((await openSigner(token.uri('object=issuer;id=%01'), { pin: PIN })).algorithm).toContain('nistp256');
	});

	it('works with every attribute of the token and of the library', async () => {
		const slots = token.listTokens();
		const shown = (name: string) => encodeURIComponent(new RegExp(`${name} +: (.*)$`, 'm').exec(slots)![1]!.trim());
		const uri = token.uri(
			`serial=${shown('serial num')};model=${shown('token model')};manufacturer=${shown('token manufacturer')};object=issuer`,
		);
		expect((await openSigner(uri, { pin: PIN })).publicKey).toEqual(token.publicKey('01'));
	});

	it('says which command compiles the binding where it is missing', async () => {
		// Where `core` is found and the binding is not.
		const modules = join(token.folder, 'node_modules/@chancery');
		mkdirSync(modules, { recursive: true, mode: 0o700 });
		symlinkSync(fileURLToPath(new URL('../../../core', import.meta.url)), join(modules, 'core'));
		const names = ['pkcs11-process.ts', 'pkcs11-token.ts'];
		for (const name of names)
			copyFileSync(new URL(`../../src/pkcs11/${name}`, import.meta.url), join(token.folder, name));
		const child = fork(join(token.folder, 'pkcs11-process.ts'), [], {
			execArgv: [],
			serialization: 'advanced',
			stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
		});
		expect(await answerTo(child)).toMatchObject({
			kind: 'refused',
			code: 'binding-missing',
			message: expect.stringContaining('npm run build:pkcs11'),
		});
	});
});

function answerTo(child: ChildProcess): Promise<Pkcs11Reply> {
	return new Promise((resolve, reject) => {
		child.once('message', (reply: Pkcs11Reply) => {
			child.disconnect();
			resolve(reply);
		});
		child.once('exit', (code) => reject(new Error(`ended with ${code}`)));
		child.send({ kind: 'open', uri: { text: {}, modulePath: '/no', name: 'pkcs11:' }, pin: '1', sessions: 1 });
	});
}

/** A library of this machine that is loaded and has no C_GetFunctionList. */
function otherLibrary(): string {
	const loaded = readFileSync('/proc/self/maps', 'utf8');
	return /(\/\S*\/libc\.so\S*)$/m.exec(loaded)![1]!;
}

describe('a PIN', () => {
	/** Every call that reaches the module while `act` runs. */
	async function callsDuring(act: (uri: string) => Promise<unknown>): Promise<string> {
		expect(SPY, 'install opensc-pkcs11').toBeDefined();
		const output = join(token.folder, 'spy.log');
		Object.assign(process.env, { PKCS11SPY: token.module, PKCS11SPY_OUTPUT: output });
		process.env.CHANCERY_PKCS11_ENV = 'PKCS11SPY, PKCS11SPY_OUTPUT';
		try {
			await act(token.uri('object=issuer', SPY));
			return readFileSync(output, 'utf8');
		} finally {
			rmSync(output, { force: true });
		}
	}
	const logins = (calls: string) => calls.split('\n').filter((line) => /\bC_Login$/.test(line)).length;

	it('that is wrong is tried once', async () => {
		const calls = await callsDuring((uri) => refusal(uri, { pin: WRONG_PIN }));
		expect(calls).toContain(WRONG_PIN);
		expect(logins(calls)).toBe(1);
	});

	it('that is right is given to the token once, and to nobody else', async () => {
		process.env.UNRELATED_SECRET = PIN;
		let signer: unknown;
		const calls = await callsDuring(async (uri) => {
			signer = await openSigner(uri, { pin: PIN });
		});
		expect(logins(calls)).toBe(1);
		expect(inspect(signer, { depth: null, showHidden: true })).not.toContain(PIN);
		const [pid, ...others] = moduleProcesses();
		expect(pid).toBeDefined();
		for (const one of [pid, ...others]) {
			expect(readFileSync(`/proc/${one}/environ`, 'utf8')).not.toContain(PIN);
			expect(readFileSync(`/proc/${one}/cmdline`, 'utf8')).not.toContain(PIN);
		}
		expect(execFileSync('ps', ['-eo', 'args'], { encoding: 'utf8' })).not.toContain(PIN);
	});
});
