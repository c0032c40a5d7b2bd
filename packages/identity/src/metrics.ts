/** What the identity provider measures beside what the chassis does. */
import type { MetricsPort, Series } from '@chancery/chassis/series';

export const IDENTITY_SERIES = [
	{
		name: 'chancery_identity_logins_total',
		kind: 'counter',
		labels: ['method', 'outcome'],
		unit: 'logins',
		help: 'Logins that were `accepted` or `refused`, or `failed` on our side, by the way to sign in',
		question: 'Can people sign in, and by which way?',
	},
	{
		name: 'chancery_identity_tokens_total',
		kind: 'counter',
		labels: ['grant', 'outcome'],
		unit: 'requests',
		help: 'Token requests that were `issued` or `refused`, by grant (`authorization_code`, `device_code`, `token_exchange`, `client_credentials`, `development`, else `other`). A device that still waits for its user is refused each time it asks; refused development tokens are in `http_refusals_total` alone',
		question: 'Are tokens issued, and by which grant?',
	},
] as const satisfies readonly Series[];

export type IdentityMetrics = MetricsPort<typeof IDENTITY_SERIES>;
