import { execFileSync } from 'node:child_process';
import { createPublicKey, verify } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { toBase64 } from '@chancery/core/bytes';
import { createFileKey } from '@chancery/keys/file/file-key';
import { generateSigner } from '@chancery/keys/file/generate';
import type { KeyAlgorithm } from '@chancery/keys/signer';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkFreshness, openTrustReport, signTrustReport, type TrustMaterial } from './trust-report.ts';

const ISSUED_MS = Date.UTC(2026, 0, 2, 3, 4, 5, 678);

const tlogOf = (publicKey: Uint8Array): TrustMaterial => ({
	kind: 'tlog',
	baseUrl: 'http://localhost:7403',
	majorApiVersion: 1,
	publicKey: toBase64(publicKey),
	keyDetails: 'PKIX_ECDSA_P256_SHA_256',
	logId: toBase64(new Uint8Array(32)),
	validForStart: '2026-01-01T00:00:00Z',
});

describe('the age of a trust report', () => {
	const opened = { issuedAt: new Date(ISSUED_MS) } as Parameters<typeof checkFreshness>[0];
	it.each([-600_000, 0, 600_000])('may be %i ms', (ageMs) => {
		expect(() => checkFreshness(opened, ISSUED_MS + ageMs)).not.toThrow();
	});
	it.each([
		[600_001, /600 s ago; 600 s at most/],
		[-600_001, /600 s ahead of our clock/],
		[6 * 365 * 86_400_000, /ask the service for a new one/],
	])('may not be %i ms', (ageMs, words) => {
		expect(() => checkFreshness(opened, ISSUED_MS + ageMs)).toThrow(words);
	});
});

describe('a trust report', () => {
	it.each<KeyAlgorithm>(['ecdsa-sha2-256-nistp256', 'ecdsa-sha2-384-nistp384', 'ed25519'])(
		'signed with %s says what was reported',
		async (algorithm) => {
			const signer = generateSigner(algorithm);
			const report = await signTrustReport(
				{ service: 'log', material: tlogOf(signer.publicKey), issuedAtMs: ISSUED_MS },
				signer,
			);
			expect(openTrustReport(JSON.parse(JSON.stringify(report)))).toEqual({
				service: 'log',
				material: tlogOf(signer.publicKey),
				issuedAt: new Date(ISSUED_MS),
				publicKey: signer.publicKey,
			});
		},
	);

	it('is a signature over its context line and canonical JSON', async () => {
		const signer = generateSigner('ed25519');
		const report = await signTrustReport(
			{
				service: 'identity',
				material: { kind: 'identity', issuer: 'http://localhost:7401/auth' },
				issuedAtMs: ISSUED_MS,
			},
			signer,
		);
		const text =
			'{"issuedAt":"2026-01-02T03:04:05.678Z","material":{"issuer":"http://localhost:7401/auth","kind":"identity"},"service":"identity"}';
		expect(Buffer.from(report.payload, 'base64').toString()).toBe(text);
		const key = createPublicKey({ key: Buffer.from(report.publicKey, 'base64'), format: 'der', type: 'spki' });
		const signed = Buffer.from(`chancery-trust-report-v1\n${text}`);
		expect(verify(null, signed, key, Buffer.from(report.signature, 'base64'))).toBe(true);
	});

	it('is refused with any character of it changed', async () => {
		const signer = generateSigner('ecdsa-sha2-256-nistp256');
		const report = await signTrustReport(
			{ service: 'log', material: tlogOf(signer.publicKey), issuedAtMs: ISSUED_MS },
			signer,
		);
		for (const field of ['payload', 'publicKey', 'signature'] as const) {
			const text = report[field];
			for (let at = 0; at < text.length; at += 3) {
				const changed = text.slice(0, at) + (text[at] === 'A' ? 'B' : 'A') + text.slice(at + 1);
				expect(() => openTrustReport({ ...report, [field]: changed })).toThrow(
					expect.objectContaining({ code: 'invalid-trust-report' }),
				);
			}
		}
	});

	it('is refused when it shows a key that did not sign it', async () => {
		const [mine, theirs] = [generateSigner('ed25519'), generateSigner('ed25519')];
		const report = await signTrustReport(
			{ service: 'log', material: tlogOf(theirs.publicKey), issuedAtMs: ISSUED_MS },
			mine,
		);
		expect(() => openTrustReport(report)).toThrow(/signed with another key/);
	});

	it.each<[string, unknown]>([
		['nothing', undefined],
		['a text', 'report'],
		['an empty object', {}],
		['fields that are no base64', { payload: '%', publicKey: '%', signature: '%' }],
		['a key that is none', { payload: 'e30=', publicKey: 'AAAA', signature: 'AAAA' }],
		['a huge payload', { payload: 'A'.repeat(4_000_000), publicKey: 'AAAA', signature: 'AAAA' }],
	])('that is %s is refused with the typed error', (_, report) => {
		expect(() => openTrustReport(report)).toThrow(expect.objectContaining({ code: 'invalid-trust-report' }));
	});

	it.each<[string, string]>([
		['not JSON', 'nonsense'],
		['of another shape', '{"service":"log"}'],
		[
			'with members of its own',
			'{"service":"log","issuedAt":"2026-01-01T00:00:00Z","material":{"kind":"identity","issuer":"http://a"},"x":1}',
		],
		['of an unknown kind', '{"service":"log","issuedAt":"2026-01-01T00:00:00Z","material":{"kind":"oracle"}}'],
		[
			'with an address that is none',
			'{"service":"log","issuedAt":"2026-01-01T00:00:00Z","material":{"kind":"identity","issuer":"javascript:alert(1)"}}',
		],
	])('whose signed payload is %s is refused', async (_, text) => {
		const signer = generateSigner('ed25519');
		const report = {
			payload: Buffer.from(text).toString('base64'),
			publicKey: toBase64(signer.publicKey),
			signature: toBase64(await signer.sign(Buffer.from(`chancery-trust-report-v1\n${text}`))),
		};
		expect(() => openTrustReport(report)).toThrow(expect.objectContaining({ code: 'invalid-trust-report' }));
	});
});

describe('a report of a certificate chain', () => {
	let folder: string;
	beforeAll(() => {
		folder = mkdtempSync(join(tmpdir(), 'chancery-report-'));
	});
	afterAll(() => rmSync(folder, { recursive: true }));

	it('is accepted from the holder of the first certificate only', async () => {
		const signer = await createFileKey(join(folder, 'ca.pem'), 'ecdsa-sha2-256-nistp256');
		const certificate = join(folder, 'ca.der');
		execFileSync(
			'openssl',
			[
				'req',
				'-x509',
				'-new',
				'-key',
				join(folder, 'ca.pem'),
				'-subj',
				'/O=Test/CN=ca',
				'-outform',
				'DER',
				'-out',
				certificate,
			],
			{ stdio: 'pipe' },
		);
		const material: TrustMaterial = {
			kind: 'certificate-authority',
			subject: { organization: 'Test', commonName: 'ca' },
			uri: 'http://localhost:7402',
			certChain: [readFileSync(certificate).toString('base64')],
			validForStart: '2026-01-01T00:00:00Z',
		};
		const report = await signTrustReport({ service: 'ca', material, issuedAtMs: ISSUED_MS }, signer);
		expect(openTrustReport(report).material).toEqual(material);

		const thief = generateSigner('ecdsa-sha2-256-nistp256');
		const stolen = await signTrustReport({ service: 'ca', material, issuedAtMs: ISSUED_MS }, thief);
		expect(() => openTrustReport(stolen)).toThrow(/signed with another key/);

		writeFileSync(certificate, 'no certificate');
		const broken = { ...material, certChain: [readFileSync(certificate).toString('base64')] };
		const unreadable = await signTrustReport({ service: 'ca', material: broken, issuedAtMs: ISSUED_MS }, signer);
		expect(() => openTrustReport(unreadable)).toThrow(expect.objectContaining({ code: 'invalid-trust-report' }));
	});
});
