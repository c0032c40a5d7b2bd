/** Configuration of the timestamp authority. */
import { adminSection } from '@chancery/chassis/config/admin-section';
import { markFields } from '@chancery/chassis/config/mark-section';
import { pem } from '@chancery/chassis/config/pem-section';
import type { Environment } from '@chancery/chassis/config/secret';
import { MAX_QUERY_BYTES } from '@chancery/wire/tsa';
import { z } from 'zod';

const oid = z.string().regex(/^[0-2](\.(0|[1-9][0-9]*)){1,30}$/, 'expected a dotted object identifier');

/** The section `tsa` of the configuration. */
export function configSchema(env?: Environment) {
	return z.strictObject({
		publicUrl: z
			.url()
			.transform((url) => url.replace(/\/+$/, ''))
			.describe(
				'Base URL under which clients reach this authority, without /api/v1/timestamp. It becomes part of the trusted root.',
			),
		chainPem: pem(256 * 1024).describe(
			'Certificate chain in PEM, as text or { file }: the certificate of the signing key first, the root last; at least two. A new leaf needs a new trusted root first.',
		),
		policyOid: oid
			.default('1.3.6.1.4.1.57264.2')
			.describe('Policy that tokens are issued under when the request names none. Default: the one of Sigstore.'),
		acceptedPolicyOids: z
			.array(oid)
			.max(32)
			.default([])
			.describe(
				'Further policies that requests may ask for by name. Default: none, so that only policyOid is accepted.',
			),
		accuracySeconds: z
			.int()
			.min(1)
			.max(60)
			.default(1)
			.describe(
				'What tokens promise about the clock of this machine, in seconds. Less than the clock keeps makes false statements.',
			),
		createdStatus: z
			.union([z.literal(200), z.literal(201)])
			.default(200)
			.describe(
				'HTTP status of a granted timestamp. RFC 3161 clients expect 200; early Sigstore clients were served 201.',
			),
		refusals: z
			.enum(['http', 'rfc3161'])
			.default('http')
			.describe(
				'How DER requests are refused: http answers an error status (with a TimeStampResp for those who accept one), rfc3161 always status 200 with a TimeStampResp that rejects.',
			),
		maxBodyBytes: z
			.int()
			.min(1024)
			.max(MAX_QUERY_BYTES)
			.default(MAX_QUERY_BYTES)
			.describe('Largest request body in bytes. JSON bodies are limited to 1024 bytes besides.'),
		admin: adminSection,
		...markFields('the last second that stands in a token', env),
	});
}

export type TsaConfig = z.output<ReturnType<typeof configSchema>>;
