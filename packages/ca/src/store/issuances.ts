/**
 * The record of what was certified: an intent before anything is signed, and its outcome. Both are append-only.
 */
import type { Sql } from '@chancery/postgres/sql';

export interface Intent {
	/** Content octets of the serial number. */
	readonly serial: Uint8Array;
	readonly tbsSha256: Uint8Array;
	readonly issuerKeyHash: Uint8Array;
	readonly keySha256: Uint8Array;
	readonly identityIssuer: string;
	readonly subjectType: 'email' | 'uri';
	readonly subject: string;
	readonly tokenSubject: string;
	readonly notBefore: Date;
	readonly notAfter: Date;
	readonly intendedAt: Date;
}

export interface IssuedOutcome {
	/** DER of the final certificate. */
	readonly certificate: Uint8Array;
	/** The SCT as it is embedded. */
	readonly sct: Uint8Array;
	readonly sctAt: Date;
	readonly endedAt: Date;
}

/** Fails with SQLSTATE 23505 when the serial number was used before. */
export async function insertIntent(sql: Sql, intent: Intent): Promise<void> {
	await sql.query(
		`insert into ca.issuance (serial, tbs_sha256, issuer_key_hash, key_sha256, identity_issuer, subject_type, subject,
			token_subject, not_before, not_after, intended_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
		[
			intent.serial,
			intent.tbsSha256,
			intent.issuerKeyHash,
			intent.keySha256,
			intent.identityIssuer,
			intent.subjectType,
			intent.subject,
			intent.tokenSubject,
			intent.notBefore,
			intent.notAfter,
			intent.intendedAt,
		],
	);
}

export async function insertIssued(sql: Sql, serial: Uint8Array, outcome: IssuedOutcome): Promise<void> {
	await sql.query(
		`insert into ca.outcome (serial, state, certificate, sct, sct_at, ended_at)
		values ($1, 'issued', $2, $3, $4, $5)`,
		[serial, outcome.certificate, outcome.sct, outcome.sctAt, outcome.endedAt],
	);
}

export async function insertFailed(sql: Sql, serial: Uint8Array, reason: string, endedAt: Date): Promise<void> {
	await sql.query(
		`insert into ca.outcome (serial, state, reason, ended_at)
		values ($1, 'failed', $2, $3)`,
		[serial, reason, endedAt],
	);
}

/** Whether the database answers and its schema is there. */
export async function probeStore(sql: Sql): Promise<void> {
	await sql.query('select serial from ca.issuance limit 1');
}
