/**
 * The instance under test as its operator knows it: public URLs, admin URLs, secrets, and the private key of its identity
 * provider, with which tokens can be made that are right in all but one thing.
 */
import { createPrivateKey, type KeyObject, randomUUID, sign } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { openInstance, type RunningInstance } from '../judges/running-instance.ts';

export interface Subject extends RunningInstance {
	readonly secrets: { readonly operator: string; readonly service: string; readonly developmentToken: string };
	/** Base URL of a listener, by `<service> <listener>`. */
	readonly listeners: Readonly<Record<string, string>>;
	readonly issuerKey: { readonly key: KeyObject; readonly kid: string };
}

export function openSubject(name: 'instance' | 'foreignInstance'): Subject {
	const instance = openInstance(name);
	const read = (file: string) => JSON.parse(readFileSync(join(instance.data, file), 'utf8'));
	const [jwk] = (read('keys/identity.jwks.json').auth as { kty: string; kid: string }[]).filter(
		({ kty }) => kty === 'RSA',
	);
	if (!jwk) throw new Error('the identity provider has no RSA key');
	const lines = readLog(instance.data).filter(({ msg }) => msg === 'listening');
	return {
		...instance,
		secrets: read('chancery.json').secrets,
		listeners: Object.fromEntries(
			lines.map(({ service, listener, url }) => [
				`${service} ${listener}`,
				String(url).replace('127.0.0.1', 'localhost'),
			]),
		),
		issuerKey: { key: createPrivateKey({ key: jwk as never, format: 'jwk' }), kid: jwk.kid },
	};
}

export type LogLine = Readonly<Record<string, unknown>>;

/** Everything that the instance has logged so far. */
export function readLog(data: string): LogLine[] {
	const text = readFileSync(join(data, 'chancery.log'), 'utf8').trimEnd();
	return text.split('\n').map((line) => JSON.parse(line) as LogLine);
}

export const b64url = (value: string | Uint8Array | object): string =>
	Buffer.from(typeof value === 'string' || value instanceof Uint8Array ? value : JSON.stringify(value)).toString(
		'base64url',
	);

/** Claims that the authority accepts, and what is to be wrong about them. */
export function claimsFor(subject: Subject, email: string, changed: object = {}): object {
	const now = Math.floor(Date.now() / 1000);
	const own = { iss: subject.oidcIssuer, aud: 'sigstore', sub: email, email, email_verified: true };
	return { ...own, iat: now, exp: now + 600, jti: randomUUID(), ...changed };
}

/** A compact JWS with RS256. */
export function signToken(claims: object, { key, kid }: Subject['issuerKey'], header: object = {}): string {
	const signed = `${b64url({ alg: 'RS256', typ: 'JWT', kid, ...header })}.${b64url(claims)}`;
	return `${signed}.${b64url(sign('sha256', Buffer.from(signed), key))}`;
}
