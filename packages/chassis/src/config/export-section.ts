/** The part of a log's configuration that says where its tiles are exported to. */
import { z } from 'zod';
import { type Environment, secret } from './secret.ts';

const intervalSeconds = z
	.number()
	.min(0.1)
	.max(3600)
	.default(5)
	.describe(
		'Pause between two exports in seconds: about how old the exported checkpoint may be. Each export of a grown log adds up to a few partial tiles to the store.',
	);

/** Key `export` in the section of a log; what it makes is what the engine's exporter takes. */
export function exportSection(env?: Environment) {
	return z
		.discriminatedUnion('kind', [
			z.strictObject({
				kind: z.literal('folder').describe('A folder of this host.'),
				path: z
					.string()
					.min(1)
					.describe('Folder that a web server serves. One log per folder; on a file system of this host.'),
				intervalSeconds,
			}),
			z.strictObject({
				kind: z.literal('s3').describe('A bucket of an S3-compatible store.'),
				endpoint: z
					.url({ protocol: /^https?$/ })
					.describe('URL of an S3-compatible server without the bucket. It must honour If-Match and If-None-Match.'),
				bucket: z
					.string()
					.regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, 'must be a bucket name')
					.describe('Bucket; it must exist. The credentials need to list, get and put.'),
				prefix: z
					.string()
					.regex(/^([A-Za-z0-9._-]+(\/[A-Za-z0-9._-]+)*)?$/, 'must be names joined by slashes, with none at either end')
					.default('')
					.describe('Put before the name of every object. One log per bucket and prefix.'),
				region: z.string().min(1).max(100).default('us-east-1').describe('Region that requests are signed for.'),
				accessKeyId: secret(env).describe('{ file } or { env } of the access key.'),
				secretAccessKey: secret(env).describe('{ file } or { env } of the secret key.'),
				sessionToken: secret(env).optional().describe('{ file } or { env } of the token of temporary credentials.'),
				intervalSeconds,
			}),
		])
		.optional()
		.describe(
			'Where the log is exported as static files that readers can be served from, also while the database is away. Nowhere when absent.',
		);
}
