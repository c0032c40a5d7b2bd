/**
 * Reads an identity token that the CA will verify. Nothing is verified here: the client only needs the subject that it must
 * prove possession over, and the time when the token expires.
 */
import { decodeJwt, errors } from 'jose';
import { ClientError } from './client-error.ts';

const MAX_TOKEN_CHARS = 64 * 1024;

export interface IdentityToken {
	/** The compact JWS. A secret while it is valid. */
	readonly raw: string;
	readonly issuer: string;
	/** The verified e-mail address if the token has one, else `sub`: the CA takes the same as the challenge. */
	readonly subject: string;
	/** Undefined also when the token's `exp` is not a valid time. */
	readonly expiresAt: Date | undefined;
}

/** @throws {ClientError} `token-malformed` */
export function readIdentityToken(raw: string): IdentityToken {
	if (raw.length > MAX_TOKEN_CHARS) throw malformed('it is longer than any token');
	try {
		const claims = decodeJwt(raw.trim());
		const email = typeof claims.email === 'string' && claims.email_verified === true ? claims.email : undefined;
		const subject = email ?? claims.sub;
		if (typeof claims.iss !== 'string' || typeof subject !== 'string')
			throw malformed('it has no issuer or no subject');
		return {
			raw: raw.trim(),
			issuer: claims.iss,
			subject,
			expiresAt: timeOf(claims.exp),
		};
	} catch (cause) {
		if (cause instanceof errors.JOSEError) throw malformed('it is not a JWT', cause);
		throw cause;
	}
}

/** Seconds since 1970. An issuer may use numbers that a Date cannot represent. */
function timeOf(seconds: unknown): Date | undefined {
	const time = new Date(typeof seconds === 'number' ? seconds * 1000 : Number.NaN);
	return Number.isNaN(time.getTime()) ? undefined : time;
}

function malformed(reason: string, cause?: unknown): ClientError {
	return new ClientError('token-malformed', `the identity token cannot be used: ${reason}`, { cause });
}
