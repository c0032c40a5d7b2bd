/** A token of the benchmark's own issuer (RFC 7519, RS256). */
import { type KeyObject, sign } from 'node:crypto';

export function signToken(key: KeyObject, keyId: string, claims: Readonly<Record<string, unknown>>): string {
	const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
	const signed = `${part({ alg: 'RS256', kid: keyId, typ: 'JWT' })}.${part(claims)}`;
	return `${signed}.${sign('sha256', Buffer.from(signed), key).toString('base64url')}`;
}
