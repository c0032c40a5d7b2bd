/** What a process of its own needs otherwise than a service inside a stack: tokens come from where secrets lie. */
import { markFields } from '@chancery/chassis/config/mark-section';
import { secret } from '@chancery/chassis/config/secret';
import { z } from 'zod';
import { configSchema, trustReportSource } from './config.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** The section `tuf` of a configuration file. */
export function processSchema(env?: Environment) {
	return configSchema.extend({
		...markFields('the newest published versions', env),
		services: z
			.array(
				trustReportSource.extend({
					bearer: secret(env).describe('{ file } or { env } with the token that this service presents there.'),
				}),
			)
			.max(64)
			.describe(
				'The services whose keys the trusted root shall name: a list of { trustReportUrl, bearer: { file } or { env } }.',
			),
	});
}

/** The configuration as the service takes it, with the tokens in the clear. */
export function revealTokens({ services, ...config }: z.output<ReturnType<typeof processSchema>>) {
	return {
		...config,
		services: services.map(({ bearer, ...service }) => ({ ...service, bearer: bearer.reveal() })),
	};
}
