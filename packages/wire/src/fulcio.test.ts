import { describe, expect, it } from 'vitest';
import {
	createLegacySigningCertificate,
	createSigningCertificate,
	legacySigningCertificateRequest,
	oidcIssuer,
	signingCertificate,
	signingCertificateRequest,
} from './fulcio.ts';

const BYTES = Uint8Array.of(0xfb, 0xff, 0xfe, 0x01);

describe('a request for a certificate', () => {
	it('is the empty message when there is none', () => {
		for (const empty of [undefined, null, {}]) expect(signingCertificateRequest.parse(empty)).toEqual({});
	});

	it.each([
		['the standard alphabet', '+//+AQ=='],
		['the URL alphabet', '-__-AQ=='],
		['no padding', '+//+AQ'],
		['line ends', '+//+\r\nAQ=='],
	])('reads bytes in %s', (_name, text) => {
		expect(signingCertificateRequest.parse({ certificateSigningRequest: text }).certificateSigningRequest).toEqual(
			BYTES,
		);
	});

	it.each(['*', 'A', 'AAAAA', 'AA=A', '+_/-AQ==', ' AAAA', '=', 'AQ=', 'A'.repeat(65_537)])(
		'refuses %j as bytes',
		(text) => {
			expect(signingCertificateRequest.safeParse({ certificateSigningRequest: text }).success).toBe(false);
		},
	);

	it('reads either spelling of a name at every level, and null as absent', () => {
		const snake = {
			credentials: { oidc_identity_token: 't' },
			public_key_request: { public_key: { content: 'PEM', algorithm: 2 }, proof_of_possession: 'AAAA' },
			certificate_signing_request: null,
		};
		const camel = {
			credentials: { oidcIdentityToken: 't' },
			publicKeyRequest: { publicKey: { content: 'PEM', algorithm: 2 }, proofOfPossession: 'AAAA' },
		};
		expect(signingCertificateRequest.parse(snake)).toEqual(signingCertificateRequest.parse(camel));
		expect(signingCertificateRequest.parse(camel)).not.toHaveProperty('certificateSigningRequest');
	});

	it('refuses a member in both spellings, as the gateway does, one of them null or not', () => {
		const read = (credentials: object) => signingCertificateRequest.safeParse({ credentials });
		expect(read({ oidcIdentityToken: 'camel', oidc_identity_token: 'snake' }).success).toBe(false);
		expect(read({ oidcIdentityToken: null, oidc_identity_token: 'snake' }).success).toBe(false);
	});

	it.each([undefined, null, 'ECDSA', 'NO_SUCH', 2, { any: 'thing' }])('does not mind the algorithm %j', (algorithm) => {
		const parsed = signingCertificateRequest.parse({ publicKeyRequest: { publicKey: { algorithm, content: 'PEM' } } });
		expect(parsed.publicKeyRequest?.publicKey?.content).toBe('PEM');
	});

	it('reads own members only', () => {
		const inherited = Object.create({ certificateSigningRequest: 'AAAA' });
		expect(signingCertificateRequest.parse(inherited)).toEqual({});
		expect(
			signingCertificateRequest.parse(JSON.parse('{"__proto__":{"credentials":{"oidcIdentityToken":"t"}}}')),
		).toEqual({});
	});

	it.each([
		[[]],
		['text'],
		[7],
		[true],
		[{ credentials: 'token' }],
		[{ credentials: { oidcIdentityToken: 7 } }],
		[{ publicKeyRequest: [] }],
		[{ publicKeyRequest: { publicKey: { content: {} } } }],
		[{ publicKeyRequest: { proofOfPossession: 7 } }],
	])('refuses %j', (value) => {
		expect(signingCertificateRequest.safeParse(value).success).toBe(false);
	});

	it('is read in its first version too', () => {
		const parsed = legacySigningCertificateRequest.parse({
			public_key: { content: '+//+AQ==', algorithm: 'ecdsa' },
			signed_email_address: '+//+AQ==',
			certificateSigningRequest: null,
		});
		expect(parsed.publicKey?.content).toEqual(BYTES);
		expect(parsed.signedEmailAddress).toEqual(BYTES);
	});
});

describe('answers', () => {
	it('hold exactly the member that is set', () => {
		const chain = { certificates: ['leaf', 'root'] };
		expect(signingCertificate.parse({ signedCertificateEmbeddedSct: { chain } })).toEqual({
			signedCertificateEmbeddedSct: { chain },
		});
	});

	it('of other authorities may leave out what is default', () => {
		expect(oidcIssuer.parse({ wildcardIssuerUrl: 'https://*.example' })).toMatchObject({
			audience: '',
			issuerType: '',
		});
	});

	it('have the statuses that clients compare', () => {
		expect(Object.keys(createSigningCertificate.replies)).toEqual(['200']);
		expect(Object.keys(createLegacySigningCertificate.replies)).toEqual(['201']);
	});
});
