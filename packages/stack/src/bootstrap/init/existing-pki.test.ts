/** `chancery init` with a PKI that exists: openssl is that PKI, and reads what it is asked. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateEphemeralSigner } from '@chancery/keys/file/ephemeral-signer';
import type { Signer } from '@chancery/keys/signer';
import { OpensslFolder } from '@chancery/testkit/openssl-folder';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { parse } from 'yaml';
import { parseAnswers } from './answers.ts';
import { EXAMPLES } from './example-answers.ts';
import { openCertification } from './existing-pki.ts';
import { initInstance } from './init-instance.ts';
import type { AuthorityName, IssuedChainFault } from './issued-chain.ts';

/** Later than the certificates that are about to be issued. */
const NOW_MS = Date.now() + 3_600_000;
const YEAR_MS = 366 * 86_400_000;
const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-384', '-nodes', '-sha384'];

let pki: OpensslFolder;
let signers: Readonly<Record<AuthorityName, Signer>>;
beforeAll(() => {
	pki = new OpensslFolder();
	makeRoot('root');
	makeRoot('other');
	makeRoot('narrow', 'pathlen:0');
	certify('policy', 'root', 'basicConstraints=critical,CA:TRUE,pathlen:1');
	certify('mail', 'root', 'basicConstraints=critical,CA:TRUE,pathlen:1', 'extendedKeyUsage=emailProtection');
	signers = { ca: generateEphemeralSigner(), tsa: generateEphemeralSigner() };
});
afterAll(() => pki.remove());

let base: string;
let folder: string;
beforeEach(async () => {
	base = await mkdtemp(join(tmpdir(), 'chancery-pki-'));
	folder = join(base, 'instance');
});
afterEach(() => rm(base, { recursive: true }));

function makeRoot(name: string, limit = 'pathlen:3'): void {
	const files = ['-keyout', `${name}.key`, '-out', `${name}.pem`, '-days', '3650', '-subj', `/O=Example/CN=${name}`];
	const is = [
		'-addext',
		`basicConstraints=critical,CA:TRUE,${limit}`,
		'-addext',
		'keyUsage=critical,keyCertSign,cRLSign',
	];
	// The configuration of the system would say basicConstraints a second time.
	pki.write('empty.cnf', '[req]\ndistinguished_name = dn\n[dn]\n');
	pki.run('req', '-x509', '-config', 'empty.cnf', ...NEW_KEY, ...files, ...is);
}

/** An issuing authority of the PKI itself. */
function certify(name: string, issuer: string, ...extensions: string[]): void {
	const request = ['-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', `/O=Example/CN=${name}`];
	pki.run('req', '-config', 'empty.cnf', ...NEW_KEY, ...request);
	pki.write(
		`${name}.ext`,
		['keyUsage=critical,keyCertSign,cRLSign', 'subjectKeyIdentifier=hash', ...extensions].join('\n'),
	);
	sign(name, issuer, '-extfile', `${name}.ext`);
}

function sign(name: string, issuer: string, ...options: string[]): void {
	const by = ['-CA', `${issuer}.pem`, '-CAkey', `${issuer}.key`, '-CAcreateserial', '-sha384', '-days', '365'];
	pki.run('x509', '-req', '-in', `${name}.csr`, ...by, ...options, '-out', `${name}.pem`);
}

async function init(nowMs = NOW_MS) {
	const answers = parse(EXAMPLES['one-host']);
	const existingPki = { rootFile: join(pki.path, 'root.pem') };
	return initInstance({
		folder,
		answers: parseAnswers({ ...answers, existingPki }, base),
		nowMs,
		onStep: () => undefined,
	});
}

/** Asks for a certificate, or takes what has been issued: what `init` does for one authority. */
async function certification(name: AuthorityName, { root = 'root', nowMs = NOW_MS } = {}) {
	return openCertification(
		{
			folder,
			name,
			organization: 'Example',
			commonName: `Example ${name}`,
			signer: signers[name],
			rootFile: join(pki.path, `${root}.pem`),
			now: new Date(nowMs),
		},
		{ mayMake: true, onStep: () => undefined },
	);
}

/** PEM of the certificate that the PKI gives to a request, as it asks or with other extensions. */
async function issue(name: AuthorityName, issuer: string, extensions?: readonly string[]): Promise<string> {
	await copyFile(join(folder, 'requests', `${name}.csr`), join(pki.path, `${name}.csr`));
	if (extensions) {
		pki.write(`${name}.ext`, extensions.join('\n'));
		sign(name, issuer, '-extfile', `${name}.ext`);
	} else sign(name, issuer, '-copy_extensions', 'copy');
	return pki.readText(`${name}.pem`);
}

const answer = (name: AuthorityName, ...pems: string[]) =>
	writeFile(join(folder, 'requests', `${name}-issued.pem`), pems.join(''));

/** SHA-256 of every file but the lock, which nobody may read. */
function contents(): Record<string, string> {
	const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
	return Object.fromEntries(
		files
			.map(({ parentPath, name }) => join(parentPath, name))
			.filter((path) => !path.endsWith('init.lock'))
			.map((path) => [path, createHash('sha256').update(readFileSync(path)).digest('hex')]),
	);
}

it('asks for what clients want, in requests that verify, and asks the same again', async () => {
	expect(await init()).toMatchObject({ state: 'waiting' });
	const before = contents();
	for (const [name, wanted] of [
		['ca', [/CA:TRUE, pathlen:0/, /Certificate Sign, CRL Sign/, /Code Signing/, /CN = Example CA/]],
		['tsa', [/Extended Key Usage: critical\s+Time Stamping/, /Digital Signature/, /CN = Example TSA/]],
	] as const) {
		const file = join(folder, 'requests', `${name}.csr`);
		const text = pki.run('req', '-in', file, '-verify', '-noout', '-text');
		for (const words of wanted) expect(text).toMatch(words);
	}
	expect(await init()).toMatchObject({
		state: 'waiting',
		requests: [{ name: 'ca' }, { name: 'tsa', answer: join(folder, 'requests/tsa-issued.pem') }],
	});
	expect(contents()).toEqual(before);
});

it('takes what was issued, with the root or without it, and goes on', async () => {
	await init();
	const policy = pki.readText('policy.pem');
	await answer('ca', pki.readText('other.pem'));
	await expect(init()).rejects.toMatchObject({ name: 'IssuedChainError', code: 'other-key' });
	await answer('ca', await issue('ca', 'policy'), policy);
	expect(await init()).toMatchObject({ state: 'waiting', requests: [{ name: 'tsa' }] });
	await answer('tsa', await issue('tsa', 'policy'), policy, pki.readText('root.pem'));
	const keys = contents();
	const made = await init();
	expect(made).toMatchObject({ state: 'made', fingerprint: expect.stringMatching(/^[0-9a-f]{64}$/) });
	for (const [path, hash] of Object.entries(keys))
		if (!path.endsWith('init.json')) expect(contents()[path], path).toBe(hash);
	for (const name of ['ca', 'tsa']) {
		const chain = join(folder, 'chains', `${name}.pem`);
		expect(pki.run('verify', '-CAfile', 'root.pem', '-untrusted', chain, chain)).toMatch(/: OK\n/);
		expect(readFileSync(chain, 'utf8').endsWith(pki.readText('root.pem'))).toBe(true);
	}
	expect(readdirSync(join(folder, 'offline')).sort()).toEqual(['passphrase', 'tuf-root.pem', 'tuf-targets.pem']);
	// What was taken is not looked for again.
	await rm(join(folder, 'requests'), { recursive: true });
	expect(await init()).toEqual(made);
});

const ISSUING = [
	'basicConstraints=critical,CA:TRUE,pathlen:0',
	'keyUsage=critical,keyCertSign',
	'subjectKeyIdentifier=hash',
];
const FOR_CODE = 'extendedKeyUsage=codeSigning';

const REFUSED: readonly [what: string, IssuedChainFault, RegExp, (name: AuthorityName) => Promise<string[]>][] = [
	['text that is no PEM', 'unreadable', /cannot be read/, async () => ['nothing']],
	[
		'a request for a certificate',
		'unreadable',
		/CERTIFICATE REQUEST/,
		async (name) => {
			return [readFileSync(join(folder, 'requests', `${name}.csr`), 'utf8')];
		},
	],
	[
		'the chain upside down',
		'other-key',
		/comes first/,
		async (name) => [pki.readText('root.pem'), await issue(name, 'root')],
	],
	[
		'a certificate for another key',
		'other-key',
		/'.*policy.*' *, is not for the key/,
		async () => [pki.readText('policy.pem')],
	],
	[
		'a chain to another root',
		'other-root',
		/existingPki\.rootFile names '.*CN=root'/,
		async (name) => [await issue(name, 'other'), pki.readText('other.pem')],
	],
	[
		'a chain with a certificate missing',
		'other-root',
		/Put the certificates between/,
		async (name) => [await issue(name, 'policy')],
	],
	[
		'an authority that is for mail only',
		'purpose',
		/mail.* is not for/,
		async (name) => [await issue(name, 'mail'), pki.readText('mail.pem')],
	],
];

it.each(REFUSED)('%s is refused', async (_, code, words, make) => {
	for (const name of ['ca', 'tsa'] as const) {
		await certification(name);
		await answer(name, ...(await make(name)));
		const message = expect.stringMatching(words);
		await expect(certification(name), name).rejects.toMatchObject({ name: 'IssuedChainError', code, message });
	}
});

it.each<[string, AuthorityName, RegExp, readonly string[]]>([
	['no CA', 'ca', /is not a CA/, ['basicConstraints=CA:FALSE', FOR_CODE]],
	[
		'a CA that may not sign certificates',
		'ca',
		/key usage/,
		[ISSUING[0] as string, 'keyUsage=digitalSignature', FOR_CODE],
	],
	['a CA for no purpose', 'ca', /not meant for code signing/, ISSUING],
	['a CA for TLS', 'ca', /not meant for code signing/, [...ISSUING, 'extendedKeyUsage=serverAuth']],
	[
		'a CA without a key identifier',
		'ca',
		/no subject key identifier/,
		[...ISSUING.slice(0, 2), FOR_CODE, 'subjectKeyIdentifier=none'],
	],
	['a timestamp authority that is a CA', 'tsa', /is a CA/, [...ISSUING, 'extendedKeyUsage=critical,timeStamping']],
	['a purpose that is not critical', 'tsa', /not critical/, ['extendedKeyUsage=timeStamping']],
	['two purposes', 'tsa', /exactly timeStamping/, ['extendedKeyUsage=critical,timeStamping,codeSigning']],
])('%s is refused by the rules of the service', async (_, name, words, extensions) => {
	await certification(name);
	await answer(name, await issue(name, 'root', extensions));
	await expect(certification(name)).rejects.toMatchObject({
		code: 'unsuitable',
		message: expect.stringMatching(words),
	});
});

it('a path that is longer than an authority allows, and certificates whose time is over, are refused', async () => {
	await certification('ca');
	await answer('ca', await issue('ca', 'narrow'));
	const message = expect.stringMatching(/path length of 0/);
	await expect(certification('ca', { root: 'narrow' })).rejects.toMatchObject({ code: 'unsuitable', message });
	await answer('ca', await issue('ca', 'root'));
	for (const nowMs of [NOW_MS + YEAR_MS, NOW_MS - YEAR_MS])
		await expect(certification('ca', { nowMs })).rejects.toMatchObject({ code: 'not-valid-now' });
	expect(await certification('ca')).toContain('BEGIN CERTIFICATE');
});

it('a missing root is named, and a hierarchy of its own is not exchanged for another later', async () => {
	const root = join(pki.path, 'root.pem');
	const answers = parse(EXAMPLES['one-host']);
	const elsewhere = { folder: join(base, 'elsewhere'), nowMs: NOW_MS, onStep: () => undefined };
	const order = (existingPki?: object) => ({
		...elsewhere,
		answers: parseAnswers({ ...answers, ...(existingPki ? { existingPki } : {}) }, base),
	});
	await mkdir(elsewhere.folder);
	await expect(initInstance(order({ rootFile: 'nowhere.pem' }))).rejects.toThrow(
		/existingPki\.rootFile: .*nowhere\.pem cannot be read \(ENOENT\)/,
	);
	await rm(elsewhere.folder, { recursive: true });
	await initInstance(order());
	await expect(initInstance(order({ rootFile: root }))).rejects.toThrow(
		/existingPki was null .* is \["ca","tsa"\] now/,
	);
});
