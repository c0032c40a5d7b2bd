/** Configuration of the TUF repository. */
import { adminSection } from '@chancery/chassis/config/admin-section';
import { clientCertificateSection } from '@chancery/chassis/config/client-certificate-section';
import { markFields } from '@chancery/chassis/config/mark-section';
import { type Environment, secret } from '@chancery/chassis/config/secret';
import { z } from 'zod';

/** The section `tuf` of the configuration. */
export function configSchema(env?: Environment) {
	return z.strictObject({
		publicUrl: z
			.url({ protocol: /^https?$/ })
			.describe(
				'Base URL that clients use as their TUF mirror, without a trailing slash. Changing it strands every client.',
			),
		operator: z
			.string()
			.min(1)
			.max(256)
			.describe('Scheme-less name of whoever runs the services; stands in the signing configuration. Never empty.'),
		defaultLogApiVersion: z
			.union([z.literal(1), z.literal(2)])
			.default(2)
			.describe(
				'Which log wire the signing configuration names first: 2 needs a timestamp authority, 1 works with old clients.',
			),
		services: z
			.array(
				z.strictObject({
					trustReportUrl: z
						.url({ protocol: /^https?$/ })
						.describe('Where the admin listener of a service reports its keys.'),
					bearer: secret(env).describe('{ file } or { env } with the token that this service presents there.'),
					client: clientCertificateSection()
						.optional()
						.describe('Certificate and key that this service shows there, where the admin listener asks for one.'),
				}),
			)
			.max(64)
			.describe(
				'The services whose keys the trusted root shall name: a list of { trustReportUrl, bearer: { file } or { env } }, and where a client certificate is needed client: { certificateFile, keyFile }.',
			),
		oidcIssuers: z
			.array(z.url({ protocol: /^https?$/ }))
			.max(16)
			.default([])
			.describe(
				'Issuers of identity tokens that the signing configuration names beside those that services report: where people log in, when that is not our own provider. Default none.',
			),
		targetsValidForDays: z
			.int()
			.min(1)
			.max(3650)
			.default(365)
			.describe('Lifetime in days of proposed targets metadata.'),
		snapshotValidForDays: z
			.int()
			.min(2)
			.max(365)
			.default(30)
			.describe('Lifetime in days of snapshot metadata; renewed at half.'),
		timestampValidForDays: z
			.int()
			.min(2)
			.max(30)
			.default(7)
			.describe(
				'Lifetime in days of timestamp metadata, renewed daily. It bounds how long an outage of this service may last.',
			),
		admin: adminSection,
		...markFields('the newest published versions', env),
	});
}

export type TufConfig = z.output<ReturnType<typeof configSchema>>;
