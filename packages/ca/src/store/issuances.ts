/**
 * The record of what was certified: an intent before anything is signed, and its outcome. Both are append-only.
 */
import { groupInserts } from '@chancery/postgres/grouped-inserts';
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
	readonly serial: Uint8Array;
	/** DER of the final certificate. */
	readonly certificate: Uint8Array;
	/** The SCT as it is embedded. */
	readonly sct: Uint8Array;
	readonly sctAt: Date;
	readonly endedAt: Date;
}

/** The record, as those who issue write it. Each resolves when its row is committed. */
export interface Issuances {
	/** Fails with SQLSTATE 23505 when the serial number was used before. */
	intend(intent: Intent): Promise<void>;
	issued(outcome: IssuedOutcome): Promise<void>;
	/** `reason` is the code of the error. */
	failed(serial: Uint8Array, reason: string, endedAt: Date): Promise<void>;
}

/** Rows of requests that are under way together are written together: a flush of the disk per certificate costs more than the certificate. */
export function openIssuances(sql: Sql): Issuances {
	const intents = groupInserts<Intent>((rows) => insertIntents(sql, rows));
	const outcomes = groupInserts<IssuedOutcome>((rows) => insertIssued(sql, rows));
	return {
		intend: (intent) => intents.insert(intent),
		issued: (outcome) => outcomes.insert(outcome),
		failed: (serial, reason, endedAt) => insertFailed(sql, serial, reason, endedAt),
	};
}

async function insertIntents(sql: Sql, intents: readonly Intent[]): Promise<void> {
	const column = <Value>(read: (intent: Intent) => Value) => intents.map(read);
	await sql.query(
		`insert into ca.issuance (serial, tbs_sha256, issuer_key_hash, key_sha256, identity_issuer, subject_type, subject,
			token_subject, not_before, not_after, intended_at)
		select * from unnest($1::bytea[], $2::bytea[], $3::bytea[], $4::bytea[], $5::text[], $6::text[], $7::text[],
			$8::text[], $9::timestamptz[], $10::timestamptz[], $11::timestamptz[])`,
		[
			column(({ serial }) => serial),
			column(({ tbsSha256 }) => tbsSha256),
			column(({ issuerKeyHash }) => issuerKeyHash),
			column(({ keySha256 }) => keySha256),
			column(({ identityIssuer }) => identityIssuer),
			column(({ subjectType }) => subjectType),
			column(({ subject }) => subject),
			column(({ tokenSubject }) => tokenSubject),
			column(({ notBefore }) => notBefore),
			column(({ notAfter }) => notAfter),
			column(({ intendedAt }) => intendedAt),
		],
	);
}

async function insertIssued(sql: Sql, outcomes: readonly IssuedOutcome[]): Promise<void> {
	const column = <Value>(read: (outcome: IssuedOutcome) => Value) => outcomes.map(read);
	await sql.query(
		`insert into ca.outcome (serial, state, certificate, sct, sct_at, ended_at)
		select serial, 'issued', certificate, sct, sct_at, ended_at
		from unnest($1::bytea[], $2::bytea[], $3::bytea[], $4::timestamptz[], $5::timestamptz[])
			as issued(serial, certificate, sct, sct_at, ended_at)`,
		[
			column(({ serial }) => serial),
			column(({ certificate }) => certificate),
			column(({ sct }) => sct),
			column(({ sctAt }) => sctAt),
			column(({ endedAt }) => endedAt),
		],
	);
}

async function insertFailed(sql: Sql, serial: Uint8Array, reason: string, endedAt: Date): Promise<void> {
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
