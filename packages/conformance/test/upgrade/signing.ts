/** Signing and verifying with the command of one version or the other. */
import { type Place, type Program, runOrThrow } from './program.ts';

export const SIGNER = 'alice@example.com';
const PREDICATE_TYPE = 'https://example.com/upgrade/v1';

export interface Signing {
	readonly artifact: string;
	/** Where the bundle goes. */
	readonly bundle: string;
	readonly logVersion: 1 | 2;
	/** A file with the predicate of an attestation; undefined for a plain signature. */
	readonly predicate?: string;
}

/** Signs as SIGNER at the running instance. @throws {Error} when the command refuses */
export async function sign(program: Program, place: Place, signing: Signing): Promise<void> {
	const { artifact, bundle, logVersion, predicate } = signing;
	const token = await runOrThrow(program, place, ['token', '--data', place.data, '--email', SIGNER]);
	const attestation = ['attest-blob', '--predicate', predicate ?? '', '--type', PREDICATE_TYPE];
	const what = predicate === undefined ? ['sign-blob'] : attestation;
	const how = ['--data', place.data, '--identity-token', token, '--rekor-version', String(logVersion)];
	await runOrThrow(program, place, [...what, ...how, '--bundle', bundle, artifact]);
}

export interface Verification {
	readonly artifact: string;
	readonly bundle: string;
	readonly isAttestation: boolean;
	readonly trustedRoot: string;
	readonly oidcIssuer: string;
}

/** Verifies that SIGNER has signed, offline. @throws {Error} when the command refuses */
export async function verify(program: Program, place: Place, verification: Verification): Promise<void> {
	const { artifact, bundle, isAttestation, trustedRoot, oidcIssuer } = verification;
	const what = isAttestation ? ['verify-blob-attestation', '--type', PREDICATE_TYPE] : ['verify-blob'];
	const who = ['--certificate-identity', SIGNER, '--certificate-oidc-issuer', oidcIssuer];
	await runOrThrow(program, place, [...what, '--trusted-root', trustedRoot, '--bundle', bundle, ...who, artifact]);
}
