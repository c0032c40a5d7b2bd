/**
 * Configuration of the signature log. The table in the README is printed from these descriptions.
 */
import { adminSection } from '@chancery/chassis/config/admin-section';
import { exportSection } from '@chancery/chassis/config/export-section';
import { FILE_RULE, markPlaceFields } from '@chancery/chassis/config/mark-section';
import type { Environment } from '@chancery/chassis/config/secret';
import { ECDSA_BACKEND_NAMES } from '@chancery/keys/digest/ecdsa-backend';
import { z } from 'zod';

const publicUrl = z.url({ protocol: /^https?$/ }).refine((url) => !url.endsWith('/'), 'must not end with a slash');

const hostName = z
	.string()
	.max(253)
	.regex(/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/, 'must be a host name in lower case, without scheme, port or path');

/** Upper bound of a tree id: an int64 on the wire. */
const MAX_TREE_ID = 2n ** 63n - 1n;

const markFile = (wire: string) =>
	z.string().min(1).describe(`File that remembers the last published checkpoint of the ${wire} log. ${FILE_RULE}`);

/** The section `log` of the configuration. */
export function configSchema(env?: Environment) {
	return z.strictObject({
		duplicateStatus: z
			.union([z.literal(201), z.literal(409)])
			.default(201)
			.describe(
				'Status of a repeated entry: 201 answers the stored entry again, 409 is the strict answer of upstream. May be changed at any time; with 409 several clients fail when they retry.',
			),
		maxQueuedCheckMs: z
			.int()
			.min(10)
			.max(60_000)
			.default(2_000)
			.describe(
				'Signature checks may wait for at most so much estimated work, in milliseconds; beyond it submissions are refused with Retry-After. Above about 4000, clients give up before they are answered.',
			),
		checkThreads: z
			.union([z.literal('auto'), z.int().min(0).max(64)])
			.default('auto')
			.describe(
				'Worker threads for signature checks, started when there is load: `auto` is one less than the cores and at least 1; 0 checks everything on the event loop.',
			),
		digestBackend: z
			.enum(['auto', ...ECDSA_BACKEND_NAMES])
			.default('auto')
			.describe(
				'How ECDSA over a bare digest is verified. `auto` takes the fastest that this Node offers and that passes its self-test; naming one is for comparisons, and the log does not start when it is not offered. Health says which one is in use.',
			),
		v1: z
			.strictObject({
				publicUrl: publicUrl.describe(
					'URL under which clients reach the v1 wire, without a trailing slash; it goes into the trusted root.',
				),
				hostname: hostName.describe(
					'Host name of publicUrl; signs the checkpoints and is the first half of their origin. Changing it splits the log: it is fixed when the log is created.',
				),
				treeId: z
					.string()
					.regex(/^[1-9][0-9]{0,18}$/, 'must be a decimal number without leading zeros')
					.refine((text) => !/^[0-9]{1,19}$/.test(text) || BigInt(text) <= MAX_TREE_ID, 'must be below 2^63')
					.describe(
						'Tree id, decimal, from 1 to 2^63-1; part of the origin and of every entry id. Changing it splits the log: it is fixed when the log is created.',
					),
				maxBodyBytes: z
					.int()
					.min(64 * 1024)
					.max(128 * 1024 * 1024)
					.default(20 * 1024 * 1024)
					.describe(
						'Largest request body in bytes; dsse entries bring the whole attestation. Memory is needed for several at once.',
					),
				export: exportSection(env),
			})
			.describe('The log behind the Rekor v1 wire.'),
		v2: z
			.strictObject({
				publicUrl: publicUrl.describe(
					'URL under which clients reach the v2 wire, without a trailing slash; it goes into the trusted root.',
				),
				origin: hostName.describe(
					'Origin of the checkpoints: the host name of publicUrl and nothing else. Changing it splits the log: it is fixed when the log is created.',
				),
				maxBodyBytes: z
					.int()
					.min(64 * 1024)
					.max(128 * 1024 * 1024)
					.default(4 * 1024 * 1024)
					.describe('Largest request body in bytes; only dsse requests come near it.'),
				export: exportSection(env),
			})
			.describe('The log behind the Rekor v2 wire.'),
		admin: adminSection,
		markFiles: z
			.strictObject({ v1: markFile('v1'), v2: markFile('v2') })
			.optional()
			.describe('Where the marks of the two logs are, for all processes of one host.'),
		...markPlaceFields('the last published checkpoint of each log', 'markFiles', env),
	});
}

export type LogConfig = z.output<ReturnType<typeof configSchema>>;
