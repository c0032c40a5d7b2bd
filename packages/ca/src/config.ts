/** The section `ca` of the configuration. */
import { adminSection } from '@chancery/chassis/config/admin-section';
import { pem } from '@chancery/chassis/config/pem-section';
import { z } from 'zod';
import { issuerSettings } from './issuers/issuer-types.ts';

const httpUrl = z
	.url({ protocol: /^https?$/ })
	.max(2048)
	.transform((url) => url.replace(/\/+$/, ''));

export const configSchema = z.strictObject({
	publicUrl: httpUrl.describe(
		'Base URL under which clients reach this authority, without /api. No default. It becomes part of the trusted root; some clients drop a path from it, so it should have none.',
	),
	chainPem: pem(256 * 1024).describe(
		'Certificate chain in PEM, as text or { file }: the certificate of the signing key first, the root last. No default. A new chain must be in the trusted root and in the CT log before it issues.',
	),
	ctlog: z
		.strictObject({
			url: httpUrl.describe('Base URL of the log, without /ct/v1. No default.'),
			publicKeyPem: pem(16 * 1024).describe(
				'Public key of the log in PEM, as text or { file }, ECDSA on P-256. No default. Every timestamp is checked with it, so that a wrong key stops all issuance.',
			),
		})
		.describe(
			'The certificate transparency log that every certificate is in. Required: clients refuse certificates without a timestamp.',
		),
	issuers: z
		.array(issuerSettings)
		.min(1)
		.max(1000)
		.refine(
			(issuers) => new Set(issuers.map(({ issuer }) => issuer)).size === issuers.length,
			'an issuer is listed twice',
		)
		.describe('Identity providers whose tokens are accepted, one entry per issuer URL. No default.'),
	blockedKeySha256: z
		.array(z.string().regex(/^[0-9a-f]{64}$/, 'expected 64 lower-case hexadecimal digits'))
		.max(100_000)
		.default([])
		.describe(
			'SHA-256 (hexadecimal) of SubjectPublicKeyInfos that get no certificate, such as keys known to be compromised. Default none.',
		),
	admin: adminSection,
});

export type CaConfig = z.output<typeof configSchema>;
