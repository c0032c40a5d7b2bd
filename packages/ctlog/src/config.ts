/** Configuration of the certificate transparency log. */
import { adminSection } from '@chancery/chassis/config/admin-section';
import { exportSection } from '@chancery/chassis/config/export-section';
import { markFields } from '@chancery/chassis/config/mark-section';
import type { Environment } from '@chancery/chassis/config/secret';
import { z } from 'zod';

/** The section `ctlog` of the configuration. */
export function configSchema(env?: Environment) {
	return z.strictObject({
		publicUrl: z
			.url()
			.transform((url) => url.replace(/\/+$/, ''))
			.describe(
				'Base URL under which clients reach this log, without /ct/v1. Host and path are the origin of its tree heads: another value is another log and is refused.',
			),
		description: z.string().max(200).default('').describe('What log lists call this log. May be changed at any time.'),
		mmdSeconds: z
			.int()
			.min(60)
			.max(86_400)
			.default(86_400)
			.describe(
				'Maximum merge delay in seconds, a promise to clients. A head of an idle log is signed anew well within it.',
			),
		maxBodyBytes: z
			.int()
			.min(16_384)
			.max(524_288)
			.default(131_072)
			.describe('Largest submission in bytes. Smaller than a chain in base64 refuses honest certificates.'),
		maxQueuedCheckMs: z
			.int()
			.min(10)
			.max(60_000)
			.default(2_000)
			.describe(
				'Signature checks may wait for at most so much estimated work, in milliseconds; beyond it submissions are refused with 503 and Retry-After. Certificate authorities wait ten seconds for an answer.',
			),
		checkThreads: z
			.union([z.literal('auto'), z.int().min(0).max(64)])
			.default('auto')
			.describe(
				'Worker threads for signature checks, started when there is load: `auto` is one less than the cores and at least 1; 0 checks everything on the event loop.',
			),
		maxEntriesPerReply: z
			.int()
			.min(1)
			.max(100_000)
			.default(10_000)
			.describe('Most entries in one get-entries answer. Monitors of Sigstore do not ask again for what was cut off.'),
		maxBytesPerReply: z
			.int()
			.min(65_536)
			.max(67_108_864)
			.default(12_582_912)
			.describe('Most bytes of entries in one get-entries answer, before base64 makes a third more of them.'),
		export: exportSection(env),
		admin: adminSection,
		...markFields('the last published tree head', env),
	});
}

export type CtlogConfig = z.output<ReturnType<typeof configSchema>>;
