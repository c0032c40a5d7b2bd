import { createPublicKey, X509Certificate } from 'node:crypto';
import { parseCertificate } from '@chancery/core/certificate';
import { encodeMerkleTreeLeaf } from '@chancery/core/ct';
import { issuerKeyHash, tbsWithoutPoison } from '@chancery/core/precertificate';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { generateClientKey, keyRequest } from '../../../ca/test/client-key.ts';
import { startInstance, type TestInstance } from '../../../ca/test/instance.ts';
import { CertificateJudge, type CertificateRequest } from './certificates.ts';
import { leafHash } from './merkle.ts';

const EMAIL = 'ada@example.com';
const key = generateClientKey();

let ca: TestInstance;
let judge: CertificateJudge;
let answer: Buffer;
const request: CertificateRequest = { body: '', email: EMAIL, spki: Buffer.from(key.spki) };
beforeAll(async () => {
	ca = await startInstance();
	judge = judgeOf([ca.chain.issuing, ca.chain.root]);
	const token = await ca.people.mint({ email: EMAIL, email_verified: true });
	const payload = keyRequest(key, EMAIL, token);
	answer = (await ca.publicApp.inject({ method: 'POST', url: '/api/v2/signingCert', payload })).rawPayload;
});
afterAll(() => ca.close());

function judgeOf(chain: readonly Uint8Array[], ctLogKeyPem = ca.ctLog.publicKeyPem): CertificateJudge {
	return new CertificateJudge({
		chain,
		ctLogKey: createPublicKey(ctLogKeyPem).export({ type: 'spki', format: 'der' }),
	});
}

/** The answer with another chain. */
function withPems(change: (pems: string[]) => string[]): Buffer {
	const json = JSON.parse(answer.toString());
	const { chain } = json.signedCertificateEmbeddedSct;
	return Buffer.from(
		JSON.stringify({ signedCertificateEmbeddedSct: { chain: { certificates: change(chain.certificates) } } }),
	);
}

describe('the judge of certificates', () => {
	it('accepts the right one, and says which leaf the CT log must hold', () => {
		const verdict = judge.judge(request, answer);
		expect(verdict).toHaveProperty('leaf');
		// What the CT log of these tests was sent and has signed.
		const leaf = encodeMerkleTreeLeaf({
			timestampMs: ca.nowMs,
			entry: {
				type: 'precert',
				issuerKeyHash: issuerKeyHash(parseCertificate(ca.chain.issuing)),
				tbs: tbsWithoutPoison(ca.ctLog.entries[0]!),
			},
			extensions: new Uint8Array(),
		});
		expect((verdict as { leaf: Buffer }).leaf.equals(leafHash(leaf))).toBe(true);
	});

	it.each<{ name: string; judged: () => Parameters<CertificateJudge['judge']> }>([
		{ name: 'for somebody else', judged: () => [{ ...request, email: 'eve@example.com' }, answer] },
		{
			name: 'for another key',
			judged: () => [{ ...request, spki: Buffer.from(generateClientKey().spki) }, answer],
		},
		{ name: 'without issuers', judged: () => [request, withPems(([leaf]) => [leaf!])] },
		{ name: 'under other issuers', judged: () => [request, withPems(([leaf, , root]) => [leaf!, root!])] },
		{
			name: 'that is the issuing one',
			judged: () => [request, withPems(([, ...issuers]) => [issuers[0]!, ...issuers])],
		},
		{ name: 'with a detached timestamp', judged: () => [request, Buffer.from('{"signedCertificateDetachedSct":{}}')] },
		{ name: 'that is none', judged: () => [request, Buffer.from('<html>')] },
	])('complains of one $name', ({ judged }) => {
		expect(judge.judge(...judged())).toBeTypeOf('string');
	});

	it('complains when the timestamp is of another CT log', () => {
		const { publicKey } = new X509Certificate(ca.chain.root);
		const other = judgeOf(
			[ca.chain.issuing, ca.chain.root],
			publicKey.export({ type: 'spki', format: 'pem' }).toString(),
		);
		expect(other.judge(request, answer)).toMatch(/another CT log/);
	});

	it('complains of every change of one byte', () => {
		const good = new X509Certificate(JSON.parse(answer.toString()).signedCertificateEmbeddedSct.chain.certificates[0])
			.raw;
		for (let at = 0; at < good.length; at += 7) {
			const bad = Buffer.from(good);
			bad[at]! ^= 0x04;
			const pem = `-----BEGIN CERTIFICATE-----\n${bad.toString('base64')}\n-----END CERTIFICATE-----`;
			expect(
				judge.judge(
					request,
					withPems(([, ...issuers]) => [pem, ...issuers]),
				),
				`byte ${at}`,
			).toBeTypeOf('string');
		}
	});
});
