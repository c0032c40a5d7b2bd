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

/** A certificate by openssl, so that not our own writer judges our own reader. */
function issue(name: string, issuer: string | undefined, extensions: string, subject = name, days = '2'): void {
	openssl('ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', `${name}.key`);
	openssl('req', '-new', '-key', `${name}.key`, '-subj', `/CN=${subject}`, '-out', `${name}.csr`);
	writeFileSync(join(folder, `${name}.ext`), extensions);
	const signer = issuer
		? ['-CA', `${issuer}.pem`, '-CAkey', `${issuer}.key`, '-CAcreateserial']
		: ['-signkey', `${name}.key`];
	openssl(
		'x509',
		'-req',
		'-in',
		`${name}.csr`,
		...signer,
		'-days',
		days,
		'-extfile',
		`${name}.ext`,
		'-out',
		`${name}.pem`,
	);
}

beforeAll(() => {
	folder = mkdtempSync(join(tmpdir(), 'chain-'));
	issue('root', undefined, 'basicConstraints=critical,CA:true');
	issue('middle', 'root', 'basicConstraints=critical,CA:true');
	issue(
		'leaf',
		'middle',
		'subjectAltName=email:Jane@Example.com,URI:https://ci.example/a,DNS:host.example,IP:10.0.0.1,IP:2001:db8::7',
	);
	issue('stranger', undefined, 'basicConstraints=critical,CA:true');
	issue('noauthority', 'root', 'basicConstraints=CA:false');
	issue('namesake', 'root', 'basicConstraints=critical,CA:true', 'middle');
	issue('expired', undefined, 'basicConstraints=critical,CA:true', 'expired', '-1');
	issue('late', 'expired', 'subjectAltName=email:a@b.example');
	openssl('ec', '-in', 'leaf.key', '-pubout', '-out', 'leafkey.pem');
	issue('orphan', 'noauthority', 'subjectAltName=email:a@b.example');
	issue('odd', 'root', 'basicConstraints=critical,DER:05:00');
	issue('below', 'odd', 'subjectAltName=email:a@b.example');
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
		['eleven certificates', ['leaf', 'middle', ...Array(9).fill('root')]],
		['a certificate and a key', ['leaf', 'leafkey']],
	])('are refused as %s', async (_, names) => {
		await expect(read(...names)).rejects.toThrow(EntryRefusal);
	});
});
