/**
 * The table of workloads: which requests go to which service. A new one is a row here, and the code that makes its requests.
 */
import type { LOG_ENTRIES } from './log-entries.ts';

/** The wires that are measured: the signature log's two, and one of each other service. */
export type LogWire = 'v1' | 'v2';
export type Wire = LogWire | 'ca' | 'tsa' | 'identity';

/** What the identity service is asked at its token endpoint. */
export const TOKEN_WORKLOADS = ['token', 'exchange', 'client-credentials'] as const;
export type TokenWorkload = (typeof TOKEN_WORKLOADS)[number];

export interface Workload {
	readonly wire: Wire;
	/** Part of the usual matrix; the others run when `--only` names them. */
	readonly usual: boolean;
	/** Whether the service must verify a signature over a digest alone, for which there are several backends. */
	readonly digestOnly: boolean;
	/** Requests per second to prepare for a first window; later, the measured rate decides. */
	readonly firstRate: number;
	/** The most requests that are prepared for one window, which ends when they are used up. No limit when absent. */
	readonly mostPrepared?: number;
	/** Every acknowledged request leaves a row in the database, except where this is false. */
	readonly isStored?: false;
}

const log = (wire: LogWire, digestOnly: boolean, usual = true): Workload => ({
	wire,
	usual,
	digestOnly,
	firstRate: 7_000,
});

export const WORKLOADS: Readonly<Record<string, Workload>> = {
	'v1-hashedrekord': log('v1', true),
	'v1-dsse': log('v1', false),
	'v2-hashedrekord': log('v2', true),
	'v2-dsse': log('v2', false),
	'v1-hashedrekord-certificate': log('v1', true, false),
	// A token of an RSA key takes a millisecond to make.
	certificate: { wire: 'ca', usual: true, digestOnly: false, firstRate: 2_500 },
	timestamp: { wire: 'tsa', usual: true, digestOnly: false, firstRate: 8_000 },
	exchange: { wire: 'identity', usual: true, digestOnly: false, firstRate: 1_000 },
	'client-credentials': { wire: 'identity', usual: true, digestOnly: false, firstRate: 1_000 },
	// Each needs a sign-in of several requests before the window, and its code lives for a minute. A used code leaves nothing.
	token: {
		wire: 'identity',
		usual: false,
		digestOnly: false,
		firstRate: 400,
		mostPrepared: 200,
		isStored: false,
	},
} satisfies Record<keyof typeof LOG_ENTRIES | 'certificate' | 'timestamp' | TokenWorkload, Workload>;
