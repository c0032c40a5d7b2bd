/**
 * The table of workloads: which requests go to which service. A new one is a row here, and the code that makes its requests.
 */
import type { LOG_ENTRIES } from './log-entries.ts';

/** The wires that are measured: the signature log's two, the authority's and the timestamp authority's. */
export type LogWire = 'v1' | 'v2';
export type Wire = LogWire | 'ca' | 'tsa';

export interface Workload {
	readonly wire: Wire;
	/** Part of the usual matrix; the others run when `--only` names them. */
	readonly usual: boolean;
	/** Whether the service must verify a signature over a digest alone, for which there are several backends. */
	readonly digestOnly: boolean;
	/** Requests per second to prepare for a first window; later, the measured rate decides. */
	readonly firstRate: number;
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
} satisfies Record<keyof typeof LOG_ENTRIES | 'certificate' | 'timestamp', Workload>;
