/**
 * The messages between the benchmark and its load generator, which is a process of its own.
 */
import type { TrustedLog } from '../judge/checkpoint.ts';
import type { LogWire } from './workloads.ts';

/** Where the requests go. */
export interface Address {
	readonly host: string;
	readonly port: number;
}

export interface LogTarget extends Address {
	/** All that answer for the log, `port` included: clients are spread over them in turn. One when absent. */
	readonly ports?: readonly number[];
	readonly wire: LogWire;
	readonly log: TrustedLog;
}

export interface CaTarget extends Address {
	readonly wire: 'ca';
	/** The issuer of the tokens in the requests. */
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

export interface IdentityTarget extends Address {
	readonly wire: 'identity';
	readonly tokenPath: string;
	readonly keysPath: string;
	/** With the issuer of the tokens of people and of machine clients. */
	readonly issuer: string;
	/** Issuer of exchanged tokens. */
	readonly exchangedIssuer: string;
	/** The public client that redeems codes and asks for exchanges. */
	readonly clientId: string;
	/** Sign-ins, each of which ends with a code. */
	readonly login: {
		/** Where the browser begins. */
		readonly path: string;
		readonly scope: string;
		/** Sign-ins that the server takes at a time. */
		readonly atOnce: number;
		/** Who vouches for the people. */
		readonly connectorId: string;
		/** The person that is always signed in; without one there is a page with a field for an address, which is believed. */
		readonly person?: { readonly email: string; readonly userId: string };
	};
	/** The issuer of the tokens that are exchanged, with an RSA key, and what it is called at the server. */
	readonly subjectTokens: CaTarget['issuer'] & { readonly audience: string; readonly connectorId: string };
	/** A client with the grant `client_credentials`; absent when the server does not know that grant. */
	readonly machine?: { readonly id: string; readonly secret: string; readonly email: string };
}

export type LoadTarget = LogTarget | CaTarget | TsaTarget | IdentityTarget;

export type LoadCommand =
	/** Signs this many requests for later windows. */
	| { readonly kind: 'prepare'; readonly target: LoadTarget; readonly workload: string; readonly requests: number }
	/** One window of closed-loop load with prepared requests. */
	| {
			readonly kind: 'window';
			readonly target: LoadTarget;
			readonly workload: string;
			readonly clients: number;
			readonly windowMs: number;
	  }
	/** Verifies every answer of the window before; a separate step, so that it takes no time from the measurement. */
	| { readonly kind: 'verify' };

/**
 * For a signature log: its checkpoints were rebuilt from all leaves, or connected by a consistency proof, or no size had two roots.
 * For a certificate authority: the CT log was rebuilt, and contains every certificate. For a timestamp authority: no serial number
 * was used twice. For an identity service: no token was issued twice.
 */
export type History =
	| 'rebuilt'
	| 'consistency proof'
	| 'one root per size'
	| 'all in the CT log'
	| 'serials differ'
	| 'tokens differ';

export interface WindowReport {
	/** From the first request until the end of the window, or until the prepared requests were used up. */
	readonly elapsedMs: number;
	/** Acknowledged within `elapsedMs`. */
	readonly acknowledged: number;
	/** All acknowledged requests, including those that were running at the end. */
	readonly answered: number;
	/** Refused with 429 or 503 and Retry-After; the request was sent again. */
	readonly refused: number;
	/** Prepared requests ran out before the time did. */
	readonly ranOut: boolean;
	/** Milliseconds from sending to the whole answer, ascending, of every acknowledged request. */
	readonly latenciesMs: Float64Array;
	/** Number of verified answers: all of them. */
	readonly verified: number;
	/** What was verified over all answers together. */
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
