/** How a bucket of an S3-compatible store is written in a configuration. */
import { z } from 'zod';
import { type Environment, secret } from './secret.ts';

/** The fields, to be spread into an object; `onePer` says what must not share a bucket and prefix. */
export function bucketFields(onePer: string, env?: Environment) {
	return {
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
			.describe(`Put before the name of every object. ${onePer}`),
		region: z.string().min(1).max(100).default('us-east-1').describe('Region that requests are signed for.'),
		accessKeyId: secret(env).describe('{ file } or { env } of the access key.'),
		secretAccessKey: secret(env).describe('{ file } or { env } of the secret key.'),
		sessionToken: secret(env).optional().describe('{ file } or { env } of the token of temporary credentials.'),
	};
}
