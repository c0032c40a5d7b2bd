import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSignatureChecks } from '@chancery/keys/checks/signature-checks';
import { EntryRefusal } from '@chancery/wire/entries/entry-refusal';
import { readPemVerifier } from '@chancery/wire/entries/pem-verifier';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

let folder: string;
const pem = (name: string) => readFileSync(join(folder, `${name}.pem`), 'utf8');
const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' });

interface Issuance {
	readonly subject?: string;
	readonly days?: string;
	/** Its key: a new one of P-256 or RSA, or that of another certificate. */
	readonly key?: 'ec' | 'rsa' | { readonly of: string };
	/** More arguments of `openssl req`, and of `openssl x509`, which signs. */
	readonly request?: readonly string[];
	readonly signing?: readonly string[];
}

/** A certificate by openssl, so that not our own writer judges our own reader. */
function issue(
	name: string,
	issuer: string | undefined,
	extensions: string,
	{ subject = name, days = '2', key = 'ec', request = [], signing = [] }: Issuance = {},
): void {
	const keyFile = `${typeof key === 'string' ? name : key.of}.key`;
	if (key === 'ec') openssl('ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', keyFile);
	if (key === 'rsa') openssl('genrsa', '-out', keyFile, '2048');
	openssl('req', '-new', '-key', keyFile, '-subj', `/CN=${subject}`, ...request, '-out', `${name}.csr`);
	writeFileSync(join(folder, `${name}.ext`), extensions);
	const signer = issuer
		? ['-CA', `${issuer}.pem`, '-CAkey', `${issuer}.key`, '-CAcreateserial']
		: ['-signkey', keyFile];
	const files = ['-in', `${name}.csr`, '-extfile', `${name}.ext`, '-out', `${name}.pem`];
	openssl('x509', '-req', ...files, ...signer, '-days', days, ...signing);
}

const CA = 'basicConstraints=critical,CA:true';
const LEAF = 'subjectAltName=email:a@b.example';

/** Hash, and options of the padding; the salt is as long as the hash when they do not say otherwise. */
const rsaPss = (hash: string, ...options: string[]): Issuance => ({
	signing: [
		`-${hash}`,
		...['rsa_padding_mode:pss', 'rsa_pss_saltlen:digest', ...options].flatMap((o) => ['-sigopt', o]),
	],
});

/** Of issuers: a BIT STRING as openssl writes it, or as some authorities do. */
const KEY_USAGES = {
	'no-signing': 'critical,digitalSignature',
	'trailing-zeros': 'critical,DER:03:02:00:06',
	'unknown-bit': 'critical,DER:03:03:06:06:40',
};

beforeAll(() => {
	folder = mkdtempSync(join(tmpdir(), 'chain-'));
	issue('root', undefined, CA);
	issue('middle', 'root', CA);
	issue(
		'leaf',
		'middle',
		'subjectAltName=email:Jane@Example.com,URI:https://ci.example/a,DNS:host.example,IP:10.0.0.1,IP:2001:db8::7',
	);
	issue('stranger', undefined, CA);
	issue('noauthority', 'root', 'basicConstraints=CA:false');
	issue('namesake', 'root', CA, { subject: 'middle' });
	issue('expired', undefined, CA, { days: '-1' });
	issue('late', 'expired', LEAF);
	openssl('ec', '-in', 'leaf.key', '-pubout', '-out', 'leafkey.pem');
	issue('orphan', 'noauthority', LEAF);
	issue('odd', 'root', 'basicConstraints=critical,DER:05:00');
	issue('below', 'odd', LEAF);

	// An issuer must be valid when what it issued begins: it is made first.
	issue('rsa', undefined, CA, { key: 'rsa' });
	// Without the identifier of its key, so that only the signature shows that it is another one.
	issue('pss-other-key', 'rsa', `${CA}\nsubjectKeyIdentifier=none`, { key: 'rsa', subject: 'rsa' });
	for (const hash of ['sha256', 'sha384', 'sha512', 'sha1']) issue(`pss-${hash}`, 'rsa', LEAF, rsaPss(hash));
	issue('pss-salt', 'rsa', LEAF, rsaPss('sha256', 'rsa_pss_saltlen:max'));
	issue('pss-mask', 'rsa', LEAF, rsaPss('sha256', 'rsa_mgf1_md:sha384'));
	issue('pss-middle', 'rsa', CA, rsaPss('sha256'));
	issue('below-pss', 'pss-middle', LEAF);
	for (const hash of ['sha1', 'sha224', 'md5']) issue(`rsa-${hash}`, 'rsa', LEAF, { signing: [`-${hash}`] });
	for (const hash of ['sha1', 'sha224']) issue(`ec-${hash}`, 'root', LEAF, { signing: [`-${hash}`] });

	issue('short', undefined, `${CA},pathlen:0`);
	issue('too-deep', 'short', CA);
	issue('far', 'too-deep', LEAF);
	for (const [name, usage] of Object.entries(KEY_USAGES)) {
		issue(name, undefined, `${CA}\nkeyUsage=${usage}`);
		issue(`${name}-leaf`, name, LEAF);
	}

	issue('capitals', undefined, CA, { subject: 'ROOT', key: { of: 'root' } });
	writeFileSync(join(folder, 'printable.cnf'), '[req]\ndistinguished_name=name\nstring_mask=MASK:2\n[name]\n');
	issue('printable', undefined, CA, {
		subject: 'root',
		key: { of: 'root' },
		request: ['-config', 'printable.cnf'],
	});
	issue('of-root', 'root', LEAF);
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

const { check } = createSignatureChecks({ maxQueuedMs: 60_000 });
const read = (...names: string[]) => {
	const text = Buffer.from(names.map(pem).join('')).toString('base64');
	return readPemVerifier('the chain', text, check);
};

describe('certificates behind a v1 entry', () => {
	it('bring every name of the subject', async () => {
		expect((await read('leaf')).key.identities).toEqual([
			'Jane@Example.com',
			'https://ci.example/a',
			'host.example',
			'10.0.0.1',
			'2001:db8::7',
		]);
	});

	it.each([
		['the leaf alone', ['leaf']],
		['a chain to its root', ['leaf', 'middle', 'root']],
		['a chain that ends early, whose last certificate is then the root', ['leaf', 'middle']],
		['a chain signed by RSA-PSS with SHA-256', ['pss-sha256', 'rsa']],
		['a chain signed by RSA-PSS with SHA-384', ['pss-sha384', 'rsa']],
		['a chain signed by RSA-PSS with SHA-512', ['pss-sha512', 'rsa']],
		['a chain with RSA-PSS in its middle', ['below-pss', 'pss-middle', 'rsa']],
		['a chain whose issuer ends its key usage with zeros', ['trailing-zeros-leaf', 'trailing-zeros']],
		['a chain whose issuer has an unknown key usage beside the needed one', ['unknown-bit-leaf', 'unknown-bit']],
	])('are accepted as %s', async (_, names) => {
		const { canonicalPem } = await read(...names);
		expect(Buffer.from(canonicalPem).toString()).toBe(names.map(pem).join(''));
	});

	it('are refused unread when no entry has room for them', async () => {
		const text = Buffer.from(`${'x'.repeat(65_535)}\n${pem('leaf')}`).toString('base64');
		await expect(readPemVerifier('the chain', text, check)).rejects.toMatchObject({ code: 'entry-too-large' });
	});

	it.each([
		['a chain that leads nowhere', ['leaf', 'stranger']],
		['a chain without its middle', ['leaf', 'root']],
		['a chain in another order', ['leaf', 'root', 'middle']],
		['a chain with a namesake of the issuer', ['leaf', 'namesake', 'root']],
		['a chain through a certificate that is no authority', ['orphan', 'noauthority', 'root']],
		['a chain through a certificate whose constraints cannot be read', ['below', 'odd', 'root']],
		['a chain whose root had expired before', ['late', 'expired']],
		// Go refuses each of these as well, and with it upstream.
		['a chain signed by RSA-PSS with another key', ['pss-sha256', 'pss-other-key']],
		['a chain signed by RSA-PSS with SHA-1', ['pss-sha1', 'rsa']],
		['a chain signed by RSA-PSS with a salt of another length', ['pss-salt', 'rsa']],
		['a chain signed by RSA-PSS with two hashes', ['pss-mask', 'rsa']],
		['a chain signed by RSA with SHA-1', ['rsa-sha1', 'rsa']],
		['a chain signed by RSA with MD5', ['rsa-md5', 'rsa']],
		['a chain signed by RSA with SHA-224', ['rsa-sha224', 'rsa']],
		['a chain signed by ECDSA with SHA-1', ['ec-sha1', 'root']],
		['a chain signed by ECDSA with SHA-224', ['ec-sha224', 'root']],
		['a chain longer than an issuer allows', ['far', 'too-deep', 'short']],
		['a chain whose issuer may not sign certificates', ['no-signing-leaf', 'no-signing']],
		['a chain that names its issuer in other letters', ['of-root', 'capitals']],
		['a chain that names its issuer in another string type', ['of-root', 'printable']],
		['eleven certificates', ['leaf', 'middle', ...Array(9).fill('root')]],
		['a certificate and a key', ['leaf', 'leafkey']],
	])('are refused as %s', async (_, names) => {
		const refused = read(...names);
		await expect(refused).rejects.toThrow(EntryRefusal);
		await expect(refused).rejects.toMatchObject({ code: 'invalid-entry' });
	});
});
