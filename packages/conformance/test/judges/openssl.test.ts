/** openssl as the judge of certificate chains and timestamps. */
import { execFile } from 'node:child_process';
import { generateKeyPairSync, sign as signBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { openInstance } from './running-instance.ts';

const instance = openInstance('instance');
const folder = mkdtempSync(join(tmpdir(), 'chancery-openssl-'));
const openssl = async (...args: string[]) => (await promisify(execFile)('openssl', args, { cwd: folder })).stdout;
const path = (name: string) => join(folder, name);

async function certificate(token: string, subject: string): Promise<string[]> {
	const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
	const reply = await fetch(`${instance.urls.ca}/api/v2/signingCert`, {
		method: 'POST',
		headers: { 'content-type': 'application/json' },
		body: JSON.stringify({
			credentials: { oidcIdentityToken: token },
			publicKeyRequest: {
				publicKey: { algorithm: 'ECDSA', content: publicKey.export({ type: 'spki', format: 'pem' }) },
				proofOfPossession: signBytes('sha256', Buffer.from(subject), privateKey).toString('base64'),
			},
		}),
	});
	const json = (await reply.json()) as {
		signedCertificateEmbeddedSct: { chain: { certificates: string[] } };
	};
	expect(reply.status, JSON.stringify(json)).toBe(200);
	return json.signedCertificateEmbeddedSct.chain.certificates;
}

describe('openssl verify', () => {
	it('accepts the chain of a certificate for code signing, and reads its name and one SCT', async () => {
		const [leaf, issuing, root] = await certificate(await instance.token('carol@example.com'), 'carol@example.com');
		for (const [name, pem] of Object.entries({ leaf, issuing, root })) writeFileSync(path(`${name}.pem`), pem ?? '');
		const verdict = await openssl(
			'verify',
			'-x509_strict',
			'-purpose',
			'any',
			'-CAfile',
			'root.pem',
			'-untrusted',
			'issuing.pem',
			'leaf.pem',
		);
		expect(verdict.trim()).toBe('leaf.pem: OK');
		const text = await openssl('x509', '-in', 'leaf.pem', '-noout', '-text');
		expect(text).toMatch(/email:carol@example\.com/);
		expect(text).toMatch(/Code Signing/);
		expect(text.match(/Signed Certificate Timestamp:/g)).toHaveLength(1);
		expect(text).not.toMatch(/CT Precertificate Poison/);
	});

	it('refuses the chain under the root of nobody we know', async () => {
		const [leaf, issuing] = await certificate(await instance.token('carol@example.com'), 'carol@example.com');
		writeFileSync(path('leaf2.pem'), leaf ?? '');
		writeFileSync(path('issuing2.pem'), issuing ?? '');
		await openssl(
			'req',
			'-x509',
			'-newkey',
			'ec',
			'-pkeyopt',
			'ec_paramgen_curve:P-256',
			'-nodes',
			'-subj',
			'/CN=other',
			'-keyout',
			'o.key',
			'-out',
			'other.pem',
		);
		await expect(
			openssl('verify', '-CAfile', 'other.pem', '-untrusted', 'issuing2.pem', 'leaf2.pem'),
		).rejects.toThrow();
	});
});

describe('openssl ts', () => {
	it.each(['sha256', 'sha384', 'sha512'])(
		'accepts a timestamp over a %s digest, and refuses it for other data',
		async (hash) => {
			writeFileSync(path('data'), `timestamp me with ${hash}`);
			await openssl('ts', '-query', '-data', 'data', `-${hash}`, '-cert', '-out', 'query.tsq');
			const query = readFileSync(path('query.tsq'));
			const reply = await fetch(`${instance.urls.tsa}/api/v1/timestamp`, {
				method: 'POST',
				headers: { 'content-type': 'application/timestamp-query' },
				body: query,
			});
			expect(reply.status).toBe(200);
			writeFileSync(path('reply.tsr'), Buffer.from(await reply.arrayBuffer()));
			const chain = await (await fetch(`${instance.urls.tsa}/api/v1/timestamp/certchain`)).text();
			writeFileSync(path('tsa.pem'), chain);
			const verdict = await openssl(
				'ts',
				'-verify',
				'-queryfile',
				'query.tsq',
				'-in',
				'reply.tsr',
				'-CAfile',
				'tsa.pem',
			);
			expect(verdict).toMatch(/Verification: OK/);
			writeFileSync(path('other'), 'something else');
			await expect(
				openssl('ts', '-verify', '-data', 'other', '-in', 'reply.tsr', '-CAfile', 'tsa.pem'),
			).rejects.toThrow();
		},
	);
});
