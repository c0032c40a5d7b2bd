/** What the matrix asks of a client that signs or verifies bundles, and how it tells its answer. */
import { createHash } from 'node:crypto';
import type { RunningInstance } from '../judges/running-instance.ts';

export const KINDS = ['blob', 'attestation'] as const;
export type Kind = (typeof KINDS)[number];
export type LogVersion = 1 | 2;

/** An instance as clients are told of it: what its operator hands out, and nothing of its inside. */
export interface Place {
	readonly name: 'home' | 'foreign';
	readonly instance: RunningInstance;
	/** One identity token of {@link SIGNER}. */
	readonly token: string;
	/** Signing configurations that name only one of the two logs. */
	readonly signingConfigs: Readonly<Record<LogVersion, string>>;
	readonly trustedRoot: string;
	/** PEM of the authority behind its TLS certificates; undefined over plain HTTP. */
	readonly tlsCa: string | undefined;
}

export const SIGNER = 'signer@example.com';

export const PREDICATE_TYPE = 'https://slsa.dev/provenance/v1';
/** Complete enough for clients that know the predicate and refuse half of one. */
export const PREDICATE = {
	buildDefinition: {
		buildType: 'https://example.com/build/v1',
		externalParameters: { target: 'all' },
		internalParameters: {},
		resolvedDependencies: [],
	},
	runDetails: { builder: { id: 'https://example.com/builder' }, metadata: { invocationId: '1' } },
};

/** For clients that sign statements which their caller made. */
export function statementAbout(name: string, artifact: Buffer): string {
	return JSON.stringify({
		_type: 'https://in-toto.io/Statement/v1',
		subject: [{ name, digest: { sha256: createHash('sha256').update(artifact).digest('hex') } }],
		predicateType: PREDICATE_TYPE,
		predicate: PREDICATE,
	});
}

export interface SigningTask {
	readonly place: Place;
	readonly kind: Kind;
	readonly log: LogVersion;
	readonly artifact: string;
	/** For clients that make the statement themselves, and for those that are given one. */
	readonly predicate: string;
	readonly statement: string;
	/** Where the bundle is to be written. */
	readonly bundle: string;
}

export interface VerifyingTask {
	readonly place: Place;
	readonly kind: Kind;
	readonly log: LogVersion;
	readonly artifact: string;
	readonly bundle: string;
	readonly identity: string;
	readonly issuer: string;
}

export type Verdict = { readonly accepted: true } | { readonly accepted: false; readonly said: string };

/** What is wrong with a bundle that must be refused. */
export const FAULTS = ['artifact', 'statement', 'identity', 'issuer', 'instance'] as const;
export type Fault = (typeof FAULTS)[number];

export interface Signer {
	readonly name: string;
	/** The logs it can be made to use by its own settings. */
	readonly logs: readonly LogVersion[];
	sign(task: SigningTask): Promise<void>;
}

export interface Verifier {
	readonly name: string;
	/** False for clients that take an envelope without the artifact that it is about. */
	readonly comparesSubject: boolean;
	/** Words by which it refuses each fault: a refusal for another reason proves nothing. */
	readonly refusals: Readonly<Record<Fault, RegExp>>;
	verify(task: VerifyingTask): Promise<Verdict>;
}

export const verdict = ({ code, said }: { code: number; said: string }): Verdict =>
	code === 0 ? { accepted: true } : { accepted: false, said };
