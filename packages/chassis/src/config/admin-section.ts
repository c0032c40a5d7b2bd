/** The part of every service's configuration that says who may call its admin listener. */
import { z } from 'zod';

/** Key `admin` inside the section of a service; its tokens are what `createAdminListener` takes. */
export const adminSection = z
	.strictObject({
		tokens: z
			.array(
				z.strictObject({
					name: z.string().min(1).max(100).describe('Who calls with this token; appears in the audit log.'),
					role: z
						.enum(['operator', 'service'])
						.describe('What the caller may do: `service` reads trust reports, `operator` everything.'),
					sha256: z
						.string()
						.regex(/^[0-9a-f]{64}$/, 'expected 64 lower-case hexadecimal digits')
						.describe('SHA-256 of the token (hexadecimal); the token itself is never configured.'),
				}),
			)
			.max(100)
			.default([])
			.describe(
				'Bearer tokens of the admin listener. Without any, every call but the probes /healthz and /readyz is refused.',
			),
	})
	.default({ tokens: [] })
	.describe(
		'Who may call the admin listener: `tokens`, a list of name, role (`operator` or `service`) and SHA-256 (hexadecimal) of the bearer token. Nobody when empty.',
	);
