/** `chancery init` with keys in SoftHSM, as an operator runs it; openssl looks at what was issued over them. */
import { execFileSync, spawnSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestKeyType, TestToken } from '@chancery/testkit/softhsm';
import { createTestDatabase } from '@chancery/testkit/test-database';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { EXAMPLES } from '../../src/bootstrap/init/example-answers.ts';

const CHANCERY = join(import.meta.dirname, '../../../cli/bin/chancery');

/** What an organization with an HSM would keep in it: the keys of its authorities and of their roots, and of the logs. */
const KEYS = {
	'ca.issuing': 'EC:secp384r1',
	'tsa.signer': 'EC:secp384r1',
	'ctlog.signer': 'EC:prime256v1',
	'log.v1': 'EC:prime256v1',
	'log.v2': 'EC:edwards25519',
	'tuf.timestamp': 'EC:prime256v1',
	'ca-root': 'EC:secp384r1',
	'tuf-root': 'EC:prime256v1',
} as const satisfies Record<string, TestKeyType>;
type KeyName = keyof typeof KEYS;

let token: TestToken;
let base: string;
let instance: string;
beforeEach(async () => {
	token = new TestToken();
	base = await mkdtemp(join(tmpdir(), 'chancery-init-hsm-'));
	instance = join(base, 'instance');
	await writeFile(join(base, 'pin'), `${token.pin}\n`, { mode: 0o600 });
});
afterEach(async () => {
	token.close();
	await rm(base, { recursive: true });
});

function makeKeys(names: readonly KeyName[] = Object.keys(KEYS) as KeyName[]): void {
	for (const [i, name] of names.entries()) token.makeKey(KEYS[name], name, (i + 16).toString(16));
}

/** Answers that name these keys, each under a label of its own. */
async function writeAnswers(names: readonly KeyName[], changes: object = {}): Promise<string> {
	const key = (name: string) => ({ uri: token.uri(`object=${name}`), pin: { file: join(base, 'pin') } });
	const answers = parse(EXAMPLES['one-host']);
	answers.keys = {};
	answers.offline = { keys: {} };
	for (const name of names) {
		const [service = '', own] = name.split('.');
		if (own === undefined) answers.offline.keys[service] = key(name);
		else answers.keys[service] = { ...answers.keys[service], [own]: key(name) };
	}
	const path = join(base, 'answers.yaml');
	await writeFile(path, stringify({ ...answers, ...changes }));
	return path;
}

function chancery(...args: readonly string[]) {
	const { status, stdout, stderr } = spawnSync(CHANCERY, args, { cwd: '/', encoding: 'utf8' });
	expect(stdout + stderr).not.toContain(token.pin);
	return { code: status, stdout, stderr };
}

const init = (answers: string) => chancery('init', '--answers', answers, '--out', instance);

it('issues its chains over keys in a token, and services open what it wrote', { timeout: 180_000 }, async () => {
	makeKeys();
	const answers = await writeAnswers(Object.keys(KEYS) as KeyName[]);
	const made = init(answers);
	expect(made).toMatchObject({ code: 0 });
	expect(init(answers)).toMatchObject({ code: 0, stdout: made.stdout });

	for (const name of ['ca', 'tsa']) {
		const chain = join(instance, 'chains', `${name}.pem`);
		const [first = '', root = ''] = readFileSync(chain, 'utf8').split(/(?<=-----END CERTIFICATE-----\n)/);
		await writeFile(join(base, 'root.pem'), root);
		await writeFile(join(base, 'first.pem'), first);
		const verified = execFileSync('openssl', ['verify', '-CAfile', 'root.pem', 'first.pem'], { cwd: base });
		expect(verified.toString()).toContain('first.pem: OK');
		const spki = new X509Certificate(first).publicKey.export({ type: 'spki', format: 'der' });
		expect(new Uint8Array(spki)).toEqual(token.publicKey(name === 'ca' ? '10' : '11'));
	}
	// No file for a key that lies in the token, and no passphrase.
	expect(readdirSync(join(instance, 'keys'))).toEqual(['tuf-snapshot.pem']);
	expect(readdirSync(join(instance, 'offline')).sort()).toEqual(['passphrase', 'tsa-root.pem', 'tuf-targets.pem']);

	// The services take them as init wrote them: the logs are created with the keys of the token.
	const data = await createTestDatabase();
	try {
		const config = join(instance, 'chancery.yaml');
		await writeFile(config, stringify({ ...parse(readFileSync(config, 'utf8')), database: { url: data.url } }));
		expect(chancery('config', 'check', '--config', config)).toMatchObject({ code: 0 });
		expect(chancery('migrate', '--config', config)).toMatchObject({ code: 0 });
		expect(chancery('log', 'create', '--config', config)).toMatchObject({
			code: 0,
			stdout: 'v1: created, for production\nv2: created, for production\nctlog: created, for production\n',
		});
	} finally {
		await data.drop();
	}
});

it('a key that is not there, of another kind, or named twice is refused by the name of its answer', {
	timeout: 180_000,
}, async () => {
	makeKeys(['ca.issuing', 'log.v2']);
	const refused = async (names: readonly KeyName[], words: RegExp, changes?: object) => {
		const { code, stderr } = init(await writeAnswers(names, changes));
		expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringMatching(words) });
		expect(existsSync(instance)).toBe(false);
	};
	await refused(['tsa.signer'], /answers: keys\.tsa\.signer: pkcs11:token=.* holds no private key of this name/);
	const own = (object: string) => ({ uri: token.uri(`object=${object}`), pin: { file: join(base, 'pin') } });
	await refused([], /keys\.log\.v1: .* is ecdsa-sha2-384-nistp384; ecdsa-sha2-256-nistp256 is needed/, {
		keys: { log: { v1: own('ca.issuing') } },
	});
	await refused([], /keys\.ca\.issuing: .* is ed25519; ecdsa-sha2-256-nistp256 or ecdsa-sha2-384-nistp384/, {
		keys: { ca: { issuing: own('log.v2') } },
	});
	await refused([], /keys: ca\/issuing and tsa\/signer have the same key/, {
		keys: { ca: { issuing: own('ca.issuing') }, tsa: { signer: own('ca.issuing') } },
	});
	await refused([], /keys\.ca\.issuing\.uri: the PKCS#11 URI holds a PIN/, {
		keys: { ca: { issuing: { ...own('x'), uri: 'pkcs11:object=x?pin-value=1234' } } },
	});
	// One login, which is not repeated for the other keys.
	await writeFile(join(base, 'pin'), '90817263\n');
	await refused(['ca.issuing', 'log.v2'], /keys\.ca\.issuing: .*PIN/);
	expect(token.listTokens()).not.toMatch(/PIN.*(locked|final try)/i);
});

it('another key in the place of the first is noticed, and nothing is made anew', { timeout: 180_000 }, async () => {
	makeKeys(['ctlog.signer', 'ca.issuing', 'tuf.timestamp']);
	token.makeKey('EC:prime256v1', 'another', '33');
	expect(init(await writeAnswers(['ctlog.signer', 'ca.issuing', 'tuf.timestamp']))).toMatchObject({ code: 0 });
	const another = { uri: token.uri('object=another'), pin: { file: join(base, 'pin') } };
	for (const [service, key, words] of [
		['ctlog', 'signer', /another than when this instance was made/],
		['ca', 'issuing', /the signing key is not the key of/],
		['tuf', 'timestamp', /tuf\.timestamp is another than/],
	] as const) {
		const path = await writeAnswers(['ctlog.signer', 'ca.issuing', 'tuf.timestamp']);
		const answers = parse(readFileSync(path, 'utf8'));
		answers.keys[service][key] = another;
		await writeFile(path, stringify(answers));
		expect(init(path)).toEqual({ code: 1, stdout: '', stderr: expect.stringMatching(words) });
	}
	// Nor is a file made in the place of one.
	const path = await writeAnswers(['ctlog.signer', 'ca.issuing']);
	expect(init(path)).toMatchObject({ code: 1, stderr: expect.stringMatching(/tuf-timestamp\.passphrase is missing/) });
});
