/**
 * A person as named in tokens: subject, address, and the login method that vouched for both.
 *
 * The subject has the form that Dex uses, because verifiers and logs of Sigstore know that form: unpadded base64url of a
 * protobuf message { 1: user id, 2: connector id }. It is stable per method and person. Two methods can never produce the same
 * subject, so one address seen by two methods is two accounts.
 */
import { concatBytes, toBase64Url, utf8 } from '@chancery/core/bytes';

export interface Account {
	readonly sub: string;
	/** The issuer in the certificate, when the authority is configured to read `federated_claims`. */
	readonly connectorId: string;
	/** The person's stable id at that connector. */
	readonly userId: string;
	readonly email: string;
	readonly emailVerified: boolean;
}

export interface AccountClaims {
	readonly sub: string;
	readonly email: string;
	readonly email_verified: boolean;
	readonly federated_claims: { readonly connector_id: string; readonly user_id: string };
}

/** Adds the subject to what a login method returned. */
export function accountOf(person: Omit<Account, 'sub'>): Account {
	return { sub: subjectOf(person.userId, person.connectorId), ...person };
}

/**
 * The account for an address that was not verified: from the development login or a development token. Its connector is the
 * issuer itself.
 */
export function believedAccount(issuer: string, email: string): Account {
	return accountOf({ connectorId: issuer, userId: email, email, emailVerified: true });
}

/** The claims about the person in every token. */
export function claimsOf(account: Account): AccountClaims {
	return {
		sub: account.sub,
		email: account.email,
		email_verified: account.emailVerified,
		federated_claims: { connector_id: account.connectorId, user_id: account.userId },
	};
}

/** Unpadded base64url of the protobuf message { string user_id = 1; string conn_id = 2; }. */
export function subjectOf(userId: string, connectorId: string): string {
	return toBase64Url(concatBytes(stringField(1, userId), stringField(2, connectorId)));
}

function stringField(number: number, text: string): Uint8Array {
	const value = utf8(text);
	return concatBytes(Uint8Array.of((number << 3) | 2), varint(value.length), value);
}

function varint(value: number): Uint8Array {
	const bytes: number[] = [];
	let rest = value;
	for (; rest > 0x7f; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80);
	bytes.push(rest);
	return Uint8Array.from(bytes);
}
