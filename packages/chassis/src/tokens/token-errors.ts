/**
 * What can be wrong with a token of a foreign issuer. A service that takes such tokens spreads this table into its own;
 * one that answers in another protocol than HTTP refusals keeps the codes and the words.
 */
import { DomainError, type DomainErrorOptions } from '../domain-error.ts';
import type { ErrorTable } from '../http/error-rendering.ts';

/** Fulcio's sentence: clients print it and people search for it. */
export const TOKEN_SENTENCE = 'There was an error processing the identity token';

/** 400 and not 401, because that is what clients of Fulcio have always been answered. */
const refused = { status: 400, title: TOKEN_SENTENCE, grpcCode: 3 } as const;
/** A client that binds its tokens to keys knows RFC 9449, and expects the status of it. */
const unproven = { status: 401, title: TOKEN_SENTENCE, grpcCode: 16 } as const;
/** What a repeat may find mended. */
const passing = { status: 503, title: TOKEN_SENTENCE, grpcCode: 14 } as const;
/** What a repeat may find mended, and any stranger brings about: he must not be able to raise the alarm for failures of ours. */
const tooSoon = { status: 429, title: TOKEN_SENTENCE, grpcCode: 8 } as const;

export const TOKEN_ERRORS = {
	'token-missing': refused,
	'token-too-large': refused,
	'token-malformed': refused,
	'token-algorithm': refused,
	'token-key-unknown': tooSoon,
	'token-signature': refused,
	'token-expired': refused,
	'token-not-yet-valid': refused,
	'token-audience': refused,
	'token-proof-missing': unproven,
	'token-proof-invalid': unproven,
	'issuer-unknown': refused,
	'issuer-unavailable': passing,
	'claim-missing': refused,
	'claim-malformed': refused,
} as const satisfies ErrorTable;

export type TokenErrorCode = keyof typeof TOKEN_ERRORS;

/** Text of a requester goes into an answer at most this long, and printable. */
const MAX_QUOTED_CHARS = 200;

/**
 * A refusal of a token. `hint` goes to the client, behind the sentence of the table: it may hold values of the client's
 * own request (quoted), never a token, an address of ours or a library's message.
 */
export function refuseToken(code: TokenErrorCode, hint: string, options?: DomainErrorOptions): DomainError {
	return new DomainError(code, `${TOKEN_ERRORS[code].title}: ${hint}`, options);
}

/** A value out of a request, fit to be shown: one line, bounded, in quotes. */
export function quote(value: unknown): string {
	const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? String(value));
	const line = text.replace(/[^\x20-\x7e]+/g, '?');
	return `'${line.length > MAX_QUOTED_CHARS ? `${line.slice(0, MAX_QUOTED_CHARS)}...` : line}'`;
}
