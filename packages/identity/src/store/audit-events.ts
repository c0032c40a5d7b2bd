/** Who signed in, exchanged a token or was refused. Rows are only added, and deleted when they expire. */
import type { Sql, SqlValue } from '@chancery/postgres/sql';

export interface AuditEventRow {
	/** Random, unique. */
	readonly id: string;
	readonly happenedAt: Date;
	readonly kind: string;
	readonly outcome: string;
	readonly connectorId: string | null;
	readonly subject: string | null;
	readonly email: string | null;
	readonly clientId: string | null;
	readonly clientAddress: string | null;
	readonly reason: string | null;
	readonly requestId: string | null;
}

/** What is looked for; members that are absent match everything. */
export interface AuditFilter {
	readonly subject?: string | undefined;
	readonly email?: string | undefined;
	readonly connectorId?: string | undefined;
	/** Only events that come after this one in the listing, which is newest first. */
	readonly before?: { readonly happenedAt: Date; readonly id: string } | undefined;
}

interface Row {
	id: string;
	happened_at: Date;
	kind: string;
	outcome: string;
	connector_id: string | null;
	subject: string | null;
	email: string | null;
	client_id: string | null;
	client_address: string | null;
	reason: string | null;
	request_id: string | null;
}

/** Writes one event with the values of `valuesOfEvent`; with a `from` behind it, one for each row there. */
export const PUT_AUDIT_EVENT = `insert into identity.audit_events (id, happened_at, kind, outcome, connector_id, subject,
	email, client_id, client_address, reason, request_id, expires_at)
	select $1, $2::timestamptz, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12::timestamptz`;

export function valuesOfEvent(event: AuditEventRow, expiresAt: Date): SqlValue[] {
	return [
		event.id,
		event.happenedAt,
		event.kind,
		event.outcome,
		event.connectorId,
		event.subject,
		event.email,
		event.clientId,
		event.clientAddress,
		event.reason,
		event.requestId,
		expiresAt,
	];
}

export async function putAuditEvent(sql: Sql, event: AuditEventRow, expiresAt: Date): Promise<void> {
	await sql.query(PUT_AUDIT_EVENT, valuesOfEvent(event, expiresAt));
}

/** At most `limit` events that match, newest first. */
export async function findAuditEvents(sql: Sql, filter: AuditFilter, limit: number): Promise<AuditEventRow[]> {
	const rows = await sql.query<Row>(
		`select id, happened_at, kind, outcome, connector_id, subject, email, client_id, client_address, reason, request_id
		from identity.audit_events
		where ($1::text is null or subject = $1) and ($2::text is null or email = $2)
			and ($3::text is null or connector_id = $3)
			and ($4::timestamptz is null or (happened_at, id) < ($4, $5::text))
		order by happened_at desc, id desc limit $6`,
		[
			filter.subject ?? null,
			filter.email ?? null,
			filter.connectorId ?? null,
			filter.before?.happenedAt ?? null,
			filter.before?.id ?? null,
			limit,
		],
	);
	return rows.map((row) => ({
		id: row.id,
		happenedAt: row.happened_at,
		kind: row.kind,
		outcome: row.outcome,
		connectorId: row.connector_id,
		subject: row.subject,
		email: row.email,
		clientId: row.client_id,
		clientAddress: row.client_address,
		reason: row.reason,
		requestId: row.request_id,
	}));
}
