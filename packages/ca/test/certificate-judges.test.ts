/**
 * What we issue, judged by others: @peculiar/x509 reads every field, openssl verifies the chain and prints the profile,
 * node:crypto verifies the timestamp over bytes that this test puts together by itself.
 */
import 'reflect-metadata';
import { execFileSync } from 'node:child_process';
import { createHash, createPublicKey, X509Certificate as NodeCertificate, verify } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as x509 from '@peculiar/x509';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ClientKey, certificationRequest, generateClientKey, type KeyKind, keyRequest } from './client-key.ts';
import { startInstance, type TestInstance, workflowClaims } from './instance.ts';

const ARC = '1.3.6.1.4.1.57264.1.';
const SCT_LIST = '1.3.6.1.4.1.11129.2.4.2';
const GITHUB = 'https://github.com';

interface Issued {
	readonly pems: string[];
	readonly leaf: x509.X509Certificate;
}

interface Kind {
	readonly name: string;
	readonly kind: KeyKind;
	readonly issue: (ca: TestInstance, key: ClientKey) => Promise<string[]>;
	readonly san: { type: 'email' | 'url'; value: string };
	/** Values by number under Fulcio's arc, beside 1 and 8. */
	readonly extensions: Readonly<Record<number, string>>;
	readonly issuer: (ca: TestInstance) => string;
}

async function issueV2(ca: TestInstance, payload: Record<string, unknown>, token: string): Promise<string[]> {
	const headers = { authorization: `Bearer ${token}` };
	const response = await ca.publicApp.inject({ method: 'POST', url: '/api/v2/signingCert', payload, headers });
	expect(response.statusCode, response.body).toBe(200);
	return response.json().signedCertificateEmbeddedSct.chain.certificates;
}

const person = { email: 'ada@example.com', email_verified: true };
const workflow = {
	2: 'push',
	3: 'f3761db6eb4ad5f1a0a4ba4b1a3d8a9c4a3e8a66',
	4: 'Release <app>',
	5: 'octo-org/octo-app',
	6: 'refs/tags/v1.4.0',
	9: `${GITHUB}/octo-org/build-tools/.github/workflows/sign.yml@refs/tags/v2`,
	10: 'aa218f56b14c9653891f9e74264a383fa43fefbd',
	11: 'github-hosted',
	12: `${GITHUB}/octo-org/octo-app`,
	13: 'f3761db6eb4ad5f1a0a4ba4b1a3d8a9c4a3e8a66',
	14: 'refs/tags/v1.4.0',
	15: '74',
	16: `${GITHUB}/octo-org`,
	17: '65',
	18: `${GITHUB}/octo-org/octo-app/.github/workflows/release.yml@refs/tags/v1.4.0`,
	19: 'f3761db6eb4ad5f1a0a4ba4b1a3d8a9c4a3e8a66',
	20: 'push',
	21: `${GITHUB}/octo-org/octo-app/actions/runs/6171717171/attempts/2`,
	22: 'public',
	23: 'release',
	24: 'repo:octo-org/octo-app:environment:release',
};

const KINDS: readonly Kind[] = [
	...(['P-256', 'P-384', 'P-521', 'RSA-2048', 'RSA-3072', 'Ed25519'] as const).map(
		(kind): Kind => ({
			name: `a person with a ${kind} key`,
			kind,
			issue: async (ca, key) => issueV2(ca, keyRequest(key, person.email), await ca.people.mint(person)),
			san: { type: 'email', value: person.email },
			extensions: { 24: 'subject-1' },
			issuer: (ca) => ca.people.url,
		}),
	),
	{
		name: 'a person with a certification request',
		kind: 'P-256',
		issue: async (ca, key) => {
			const body = { certificateSigningRequest: Buffer.from(certificationRequest(key)).toString('base64') };
			return issueV2(ca, body, await ca.people.mint({ ...person, sub: 'Zo\u00eb, \u6570' }));
		},
		san: { type: 'email', value: person.email },
		extensions: { 24: 'Zo\u00eb, \u6570' },
		issuer: (ca) => ca.people.url,
	},
	{
		name: 'a workflow',
		kind: 'P-256',
		issue: async (ca, key) => {
			const claims = workflowClaims();
			return issueV2(ca, keyRequest(key, String(claims.sub)), await ca.workflows.mint(claims));
		},
		san: { type: 'url', value: workflow[9] },
		extensions: workflow,
		issuer: (ca) => ca.workflows.url,
	},
	{
		name: 'a workflow without environment on a branch with odd characters, over v1',
		kind: 'P-384',
		issue: async (ca, key) => {
			const job_workflow_ref = 'octo-org/a/.github/workflows/x y.yml@refs/heads/fix#12-\u00fc';
			const claims = { ...workflowClaims(), environment: undefined, job_workflow_ref };
			const response = await ca.publicApp.inject({
				method: 'POST',
				url: '/api/v1/signingCert',
				headers: { authorization: `Bearer ${await ca.workflows.mint(claims)}` },
				payload: {
					publicKey: { content: Buffer.from(key.pem).toString('base64'), algorithm: 'ecdsa' },
					signedEmailAddress: key.prove(workflow[24]),
				},
			});
			expect(response.statusCode, response.body).toBe(201);
			return response.body.split(/(?<=-----END CERTIFICATE-----)\n/);
		},
		san: { type: 'url', value: `${GITHUB}/octo-org/a/.github/workflows/x%20y.yml@refs/heads/fix%2312-%C3%BC` },
		extensions: {
			...(({ 23: _environment, ...rest }) => rest)(workflow),
			9: `${GITHUB}/octo-org/a/.github/workflows/x y.yml@refs/heads/fix#12-\u00fc`,
		},
		issuer: (ca) => ca.workflows.url,
	},
];

describe.each(['ecdsa-sha2-256-nistp256', 'ecdsa-sha2-384-nistp384'] as const)(
	'certificates of an authority with a key of %s',
	(algorithm) => {
		let ca: TestInstance;
		let folder: string;
		beforeAll(async () => {
			ca = await startInstance({ algorithm });
			folder = mkdtempSync(join(tmpdir(), 'chancery-judges-'));
		});
		afterAll(async () => {
			rmSync(folder, { recursive: true });
			await ca.close();
		});

		const openssl = (...args: string[]) =>
			execFileSync('openssl', args, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] }).toString();

		async function issue(kind: Kind, key: ClientKey): Promise<Issued> {
			const pems = await kind.issue(ca, key);
			['leaf', 'issuing', 'root'].forEach((name, i) => {
				writeFileSync(join(folder, `${name}.pem`), `${pems[i]}\n`);
			});
			return { pems, leaf: new x509.X509Certificate(pems[0]!) };
		}

		describe.each(KINDS)('$name', (kind) => {
			const key = generateClientKey(kind.kind);
			let issued: Issued;
			beforeAll(async () => {
				issued = await issue(kind, key);
			});

			it('@peculiar/x509 reads the fields that were asked for', () => {
				const { leaf } = issued;
				expect(leaf.subject).toBe('');
				expect(leaf.issuer).toBe('O=Chancery tests, CN=test authority');
				expect(Buffer.from(leaf.publicKey.rawData).equals(key.spki)).toBe(true);
				expect(leaf.notAfter.getTime() - leaf.notBefore.getTime()).toBe(600_000);
				expect(leaf.serialNumber).toHaveLength(40);
			});

			it('@peculiar/x509 reads exactly the extensions of the profile, in order', () => {
				const { leaf } = issued;
				const issuing = new x509.X509Certificate(issued.pems[1]!);
				const numbers = Object.keys({ ...kind.extensions, 1: '', 8: '' }).map(Number);
				expect(leaf.extensions.map(({ type, critical }) => [type, critical])).toEqual([
					['2.5.29.15', true],
					['2.5.29.37', false],
					['2.5.29.14', false],
					['2.5.29.35', false],
					['2.5.29.17', true],
					...numbers.sort((a, b) => a - b).map((n) => [`${ARC}${n}`, false]),
					[SCT_LIST, false],
				]);
				expect(leaf.getExtension(x509.KeyUsagesExtension)?.usages).toBe(x509.KeyUsageFlags.digitalSignature);
				expect(leaf.getExtension(x509.ExtendedKeyUsageExtension)?.usages).toEqual(['1.3.6.1.5.5.7.3.3']);
				const issuingKeyId = issuing.getExtension(x509.SubjectKeyIdentifierExtension)?.keyId;
				expect(leaf.getExtension(x509.AuthorityKeyIdentifierExtension)?.keyId).toBe(issuingKeyId);
				const names = leaf.getExtension(x509.SubjectAlternativeNameExtension)?.names.toJSON();
				expect(names).toEqual([kind.san]);
			});

			it('the identity extensions hold the claims, raw up to 6 and as UTF8String from 8', () => {
				const expected = { ...kind.extensions, 1: kind.issuer(ca), 8: kind.issuer(ca) };
				for (const [n, value] of Object.entries(expected)) {
					const bytes = Buffer.from(issued.leaf.getExtension(`${ARC}${n}`)!.value);
					const text = Buffer.from(value);
					const header = text.length < 128 ? [0x0c, text.length] : [0x0c, 0x81, text.length];
					const wanted = Number(n) < 8 ? text : Buffer.concat([Buffer.from(header), text]);
					expect(bytes.toString('hex'), `extension ${n}`).toBe(wanted.toString('hex'));
				}
			});

			it('openssl verifies the chain at the time of issue, and no longer eleven minutes later', () => {
				const seconds = Math.floor(ca.nowMs / 1000);
				const verifyAt = (at: number) =>
					openssl(
						...['verify', '-x509_strict', '-attime', String(at), '-purpose', 'any', '-CAfile', 'root.pem'],
						...['-untrusted', 'issuing.pem', 'leaf.pem'],
					);
				expect(verifyAt(seconds)).toContain('leaf.pem: OK');
				expect(() => verifyAt(seconds + 660)).toThrow('certificate has expired');
			});

			it('openssl prints the profile', () => {
				const text = openssl('x509', '-in', 'leaf.pem', '-noout', '-text');
				expect(text).toContain('Version: 3 (0x2)');
				expect(text).toMatch(/Key Usage: critical\s+Digital Signature\n/);
				expect(text).toMatch(/Extended Key Usage: \n\s+Code Signing\n/);
				expect(text).toMatch(/Subject Alternative Name: critical\n/);
				expect(text).toContain(kind.san.type === 'email' ? `email:${kind.san.value}` : `URI:${kind.san.value}`);
				expect(text.match(/Signed Certificate Timestamp:/g)).toHaveLength(1);
				expect(text).not.toContain('CT Precertificate Poison');
				const keyId = createHash('sha1').update(keyBits(key)).digest('hex').toUpperCase();
				expect(text.replaceAll(':', '')).toContain(keyId);
			});

			it('the timestamp verifies over the certificate without it', () => {
				checkTimestamp(issued, ca);
			});
		});

		it('openssl reads the chain of the authority as it should be', () => {
			const [issuing, root] = ['issuing', 'root'].map((name) =>
				openssl('x509', '-in', `${name}.pem`, '-noout', '-text'),
			);
			expect(root).toMatch(/Basic Constraints: critical\s+CA:TRUE, pathlen:1\n/);
			expect(root).not.toContain('Extended Key Usage');
			expect(issuing).toMatch(/Basic Constraints: critical\s+CA:TRUE, pathlen:0\n/);
			expect(issuing).toMatch(/Extended Key Usage: \n\s+Code Signing\n/);
			for (const text of [issuing, root]) expect(text).toMatch(/Key Usage: critical\s+Certificate Sign, CRL Sign\n/);
			expect(
				new NodeCertificate(Buffer.from(ca.chain.issuing)).checkIssued(new NodeCertificate(Buffer.from(ca.chain.root))),
			).toBe(true);
		});
	},
);

function keyBits(key: ClientKey): Buffer {
	// The content of the BIT STRING stands last in the SPKI; openssl tells where it begins.
	const dump = execFileSync('openssl', ['asn1parse', '-inform', 'DER'], { input: Buffer.from(key.spki) }).toString();
	const [, offset, header] = /^\s*(\d+):d=1\s+hl=(\d)[^\n]*BIT STRING/m.exec(dump)!;
	return Buffer.from(key.spki).subarray(Number(offset) + Number(header) + 1);
}

/** RFC 6962 section 3.2, written down a second time: nothing of ours takes part but the bytes of the certificate. */
function checkTimestamp({ pems, leaf }: Issued, ca: TestInstance): void {
	const list = Buffer.from(leaf.getExtension(SCT_LIST)!.value);
	expect(list[0]).toBe(0x04);
	const tls = list.subarray(list[1]! < 0x80 ? 2 : 3);
	expect(tls.readUInt16BE(0)).toBe(tls.length - 2);
	expect(tls.readUInt16BE(2)).toBe(tls.length - 4);
	const sct = tls.subarray(4);
	const logKey = createPublicKey(ca.ctLog.publicKeyPem);
	const logId = createHash('sha256')
		.update(logKey.export({ type: 'spki', format: 'der' }))
		.digest();
	expect(sct[0]).toBe(0);
	expect(sct.subarray(1, 33).equals(logId)).toBe(true);
	const extensionsLength = sct.readUInt16BE(41);
	expect(extensionsLength).toBe(0);
	expect([...sct.subarray(43, 45)]).toEqual([4, 3]);
	const signature = sct.subarray(47);
	expect(sct.readUInt16BE(45)).toBe(signature.length);

	const issuerKey = new NodeCertificate(pems[1]!).publicKey.export({ type: 'spki', format: 'der' });
	const tbs = tbsWithoutLastExtension(Buffer.from(leaf.rawData));
	const header = Buffer.alloc(12);
	sct.copy(header, 2, 33, 41);
	header.writeUInt16BE(1, 10);
	const length = Buffer.from([tbs.length >> 16, (tbs.length >> 8) & 0xff, tbs.length & 0xff]);
	const keyHash = createHash('sha256').update(issuerKey).digest();
	const signed = Buffer.concat([header, keyHash, length, tbs, Buffer.alloc(2)]);
	expect(verify('sha256', signed, logKey, signature)).toBe(true);
	signed[50]! ^= 1;
	expect(verify('sha256', signed, logKey, signature)).toBe(false);
}

/** Cuts the last extension out of a certificate and writes the enclosing lengths again, with `openssl asn1parse`. */
function tbsWithoutLastExtension(certificate: Buffer): Buffer {
	const dump = execFileSync('openssl', ['asn1parse', '-inform', 'DER'], { input: certificate }).toString();
	const elements = [...dump.matchAll(/^\s*(\d+):d=(\d+)\s+hl=(\d+)\s+l=\s*(\d+) (prim|cons): (.*)$/gm)].map(
		([, offset, depth, header, length, , what]) => ({
			offset: Number(offset),
			depth: Number(depth),
			header: Number(header),
			length: Number(length),
			what: what!.trim(),
		}),
	);
	const tbs = elements[1]!;
	const wrapper = elements.find(({ depth, what }) => depth === 2 && what === 'cont [ 3 ]')!;
	const list = elements.find(({ offset }) => offset === wrapper.offset + wrapper.header)!;
	const members = elements.filter(({ depth, offset }) => depth === 4 && offset >= list.offset);
	const last = members.at(-1)!;
	const kept = certificate.subarray(list.offset + list.header, last.offset);
	const wrap = (tag: number, content: Buffer) => {
		const { length } = content;
		const head =
			length < 128 ? [tag, length] : length < 256 ? [tag, 0x81, length] : [tag, 0x82, length >> 8, length & 0xff];
		return Buffer.concat([Buffer.from(head), content]);
	};
	const before = certificate.subarray(tbs.offset + tbs.header, wrapper.offset);
	return wrap(0x30, Buffer.concat([before, wrap(0xa3, wrap(0x30, kept))]));
}
