/**
 * Which keys of an issuer count at a moment. A key of the file may say from when it signs and until when it is published, in
 * the members `nbf` and `exp` (Unix seconds, as OpenID Federation 1.0 gives them to historical keys). So a rotation is
 * planned once, in a file that all replicas read, and happens by the clock: the next key is published long enough for every
 * cache, then it signs, and the one before stays published until its last token has expired.
 */
import type { JWK } from 'jose';

/** A key with its times; what a file says may be of any type. */
export interface ScheduledJwk extends JWK {
	readonly nbf?: unknown;
	readonly exp?: unknown;
}

/** A verifier that fetched the key set before the new key was in it has fetched it again by then: caches keep it 10 minutes. */
export const PUBLISH_BEFORE_SECONDS = 15 * 60;
/** Tokens live 10 minutes at most; the rest is for clocks. */
export const PUBLISH_AFTER_SECONDS = 15 * 60;

/** The published keys, in the order in which they would sign: those that began last come first. */
export function keysAt(jwks: readonly ScheduledJwk[], nowMs: number): ScheduledJwk[] {
	const now = nowMs / 1000;
	const published = jwks.filter(({ exp }) => secondsOf(exp, Number.POSITIVE_INFINITY) > now);
	const begun = published.filter((key) => signsFrom(key) <= now);
	const coming = published.filter((key) => signsFrom(key) > now);
	return [...begun.sort((one, other) => signsFrom(other) - signsFrom(one)), ...coming];
}

/** Unix seconds; a key that does not say has always signed. */
export function signsFrom({ nbf }: ScheduledJwk): number {
	return secondsOf(nbf, 0);
}

/** What is no time counts as none; whoever opens the keys refuses it. */
function secondsOf(value: unknown, otherwise: number): number {
	return typeof value === 'number' ? value : otherwise;
}
