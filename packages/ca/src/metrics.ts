/** What the certificate authority measures beside what the chassis does. */
import type { MetricsPort, Series } from '@chancery/chassis/series';

export const CA_SERIES = [
	{
		name: 'chancery_ca_certificates_issued_total',
		kind: 'counter',
		labels: ['issuer', 'issuer_type'],
		unit: 'certificates',
		help: 'Certificates that were given to a client, by the issuer of its token as the configuration has it, and its type',
		question: 'How many certificates are issued, and for whose users?',
	},
	{
		name: 'chancery_ca_certificates_refused_total',
		kind: 'counter',
		labels: ['issuer', 'issuer_type', 'reason'],
		unit: 'requests',
		help: 'Requests for a certificate that were refused or failed, by code; issuer and type are `unknown` before a token is verified',
		question: 'Whose users get none, and why?',
	},
	{
		name: 'chancery_ca_step_duration_seconds',
		kind: 'histogram',
		labels: ['step'],
		unit: 'seconds',
		help: 'Time of the steps of an issuance that wait for others: `token` (keys of issuers), `store` (database, twice), `sign` (key, twice), `sct` (CT log)',
		question: 'What makes issuance slow: the issuer, the database, the key or the CT log (the latency of an SCT)?',
	},
	{
		name: 'chancery_ca_issuer_available',
		kind: 'gauge',
		labels: ['issuer'],
		unit: 'boolean',
		help: '1 while the keys of a configured issuer are known, 0 while they are not',
		question: 'Whose tokens cannot be checked now?',
	},
	{
		name: 'chancery_ca_chain_expiry_timestamp_seconds',
		kind: 'gauge',
		unit: 'seconds',
		help: 'End of the first certificate of the chain that ends, unix time',
		question: 'How many days has the chain of the CA left?',
	},
] as const satisfies readonly Series[];

export type CaMetrics = MetricsPort<typeof CA_SERIES>;
