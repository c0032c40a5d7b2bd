import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DomainError } from '@chancery/chassis/domain-error';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parsePemVerifier } from './verifier-key.ts';

let folder: string;
const pem = (name: string) => readFileSync(join(folder, `${name}.pem`), 'utf8');
const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' });

/** A certificate by openssl, so that not our own writer judges our own reader. */
function issue(name: string, issuer: string | undefined, extensions: string): void {
	openssl('ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', `${name}.key`);
	openssl('req', '-new', '-key', `${name}.key`, '-subj', `/CN=${name}`, '-out', `${name}.csr`);
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
		'2',
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
	issue('orphan', 'noauthority', 'subjectAltName=email:a@b.example');
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('certificates behind a v1 entry', () => {
	const read = (...names: string[]) => parsePemVerifier(Buffer.from(names.map(pem).join('')));

	it('bring every name of the subject', () => {
		expect(read('leaf').key.identities).toEqual([
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
		['a chain with a certificate that it does not need', ['leaf', 'stranger', 'middle', 'root']],
	])('are accepted as %s', (_, names) => {
		const { canonicalPem } = read(...names);
		expect(Buffer.from(canonicalPem).toString()).toBe(names.map(pem).join(''));
	});

	it.each([
		['a chain that leads nowhere', ['leaf', 'stranger']],
		['a chain without its middle', ['leaf', 'root']],
		['a chain through a certificate that is no authority', ['orphan', 'noauthority', 'root']],
		['eleven certificates', ['leaf', ...Array(9).fill('middle'), 'root']],
	])('are refused as %s', (_, names) => {
		expect(() => read(...names)).toThrow(DomainError);
	});
});
