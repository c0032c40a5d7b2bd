/** The part of a log's configuration that says where its tiles are exported to. */
import { z } from 'zod';
import { bucketFields } from './bucket-fields.ts';
import type { Environment } from './secret.ts';

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
				...bucketFields('One log per bucket and prefix.', env),
				intervalSeconds,
			}),
		])
		.optional()
		.describe(
			'Where the log is exported as static files that readers can be served from, also while the database is away. Nowhere when absent.',
		);
}
