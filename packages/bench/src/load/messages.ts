/**
 * What the benchmark and its load generator, a process of its own, say to each other.
 */
import type { TrustedLog } from '../judge/checkpoint.ts';
import type { LogWire } from './workloads.ts';

/** Where the requests go. */
export interface Address {
	readonly host: string;
	readonly port: number;
}

export interface LogTarget extends Address {
	readonly wire: LogWire;
	readonly log: TrustedLog;
}

export interface CaTarget extends Address {
	readonly wire: 'ca';
	/** Who vouches for the people in the requests. */
	readonly issuer: {
		readonly url: string;
		readonly keyId: string;
		/** PEM, PKCS#8, RSA. */
		readonly privateKey: string;
	};
	/** DER, the issuing certificate first, the root last. */
	readonly chain: readonly Uint8Array[];
	readonly ctLog: Address & {
		/** DER of the SubjectPublicKeyInfo, ECDSA P-256. */
		readonly publicKey: Uint8Array;
	};
}

export interface TsaTarget extends Address {
	readonly wire: 'tsa';
	/** DER, the certificate of the authority first, the root last. */
	readonly chain: readonly Uint8Array[];
}

export type LoadTarget = LogTarget | CaTarget | TsaTarget;

export type LoadCommand =
	/** Signs so many requests for later windows. */
	| { readonly kind: 'prepare'; readonly target: LoadTarget; readonly workload: string; readonly requests: number }
	/** One window of closed-loop load with prepared requests. */
	| {
			readonly kind: 'window';
			readonly target: LoadTarget;
			readonly workload: string;
			readonly clients: number;
			readonly windowMs: number;
	  }
	/** Verifies every answer of the window before; apart from it, so that the work does not fall into the measurement. */
	| { readonly kind: 'verify' };

/**
 * Of a signature log: its checkpoints were rebuilt from all leaves, or connected by a consistency proof, or no size had
 * two roots. Of a certificate authority: the CT log was rebuilt, and holds every certificate. Of a timestamp authority:
 * no serial number was given out twice.
 */
export type History = 'rebuilt' | 'consistency proof' | 'one root per size' | 'all in the CT log' | 'serials differ';

export interface WindowReport {
	/** From the first request until the window was over, or the prepared entries were used up. */
	readonly elapsedMs: number;
	/** Acknowledged within `elapsedMs`. */
	readonly acknowledged: number;
	/** Acknowledged in all, with what was under way at the end. */
	readonly answered: number;
	/** Refused with 429 or 503 and Retry-After; the request was sent again. */
	readonly refused: number;
	/** Prepared requests ran out before the time did. */
	readonly ranOut: boolean;
	/** Milliseconds from sending to the whole answer, ascending, of every acknowledged request. */
	readonly latenciesMs: Float64Array;
	/** Answers that were verified: all of them. */
	readonly verified: number;
	/** What was verified beside the answers one by one. */
	readonly history: History;
	/** Bytes of one request and one answer, on average. */
	readonly requestBytes: number;
	readonly answerBytes: number;
	readonly complaints: readonly string[];
}

export type LoadReply =
	| { readonly kind: 'done' }
	| { readonly kind: 'report'; readonly report: WindowReport }
	| { readonly kind: 'failed'; readonly reason: string };
