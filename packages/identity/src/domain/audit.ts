/**
 * The record of who signed in and who exchanged a token: a log line for every event, and a row for those whose subject is
 * known. A refusal of a stranger has a line only: whoever can be refused without an account could fill a table.
 *
 * The row is written before the sign-in goes on, so that no token comes from a sign-in without one. A crash after it leaves
 * an event whose token nobody received.
 */
import type { Logger } from '@chancery/chassis/logger';
import type { Clock } from '@chancery/chassis/service';
import { toBase64Url } from '@chancery/core/bytes';
import type { Sql } from '@chancery/postgres/sql';
import type { AuditEvent as WireEvent } from '@chancery/wire/identity';
import { type AuditEventRow, type AuditFilter, findAuditEvents, putAuditEvent } from '../store/audit-events.ts';
import { type ExchangedTokenRow, markExchanged } from '../store/exchanged-tokens.ts';

const DAY_MS = 24 * 60 * 60 * 1000;
const ID_BYTES = 16;

/** What happened, without the time. No member is ever a token, a code or a secret. */
export interface AuditEvent {
	readonly kind: WireEvent['kind'];
	readonly outcome: WireEvent['outcome'];
	/** Who vouched for the subject. */
	readonly connectorId?: string;
	/** `sub` of the tokens. */
	readonly subject?: string;
	readonly email?: string;
	/** The client of the provider that asked. */
	readonly clientId?: string;
	/** As the connection shows it. */
	readonly clientAddress?: string;
	/** The code of a refusal. */
	readonly reason?: string;
	readonly requestId?: string;
}

/** Records an event. Rejects when the database does; then the sign-in does not go on. */
export type Audit = (event: AuditEvent) => Promise<void>;

/** An event whose subject is known: it gets a row. */
export type SubjectEvent = AuditEvent & { readonly subject: string };

/**
 * Records an exchange and uses its subject token up, both or neither. Returns false, and has recorded nothing, when the token was
 * used before. Rejects when the database does; the token may then be used up.
 */
export type AuditExchange = (event: SubjectEvent, used: ExchangedTokenRow) => Promise<boolean>;

interface AuditDeps {
	readonly database: Sql;
	readonly clock: Clock;
	readonly random: (n: number) => Uint8Array;
	readonly logger: Logger;
	readonly retentionDays: number;
}

export function openAudit(deps: AuditDeps): { readonly audit: Audit; readonly auditExchange: AuditExchange } {
	const { database, logger } = deps;
	const log = (event: AuditEvent) => logger.info({ audit: true, ...event }, `${event.kind} ${event.outcome}`);
	return {
		audit: async (event) => {
			if (hasSubject(event)) await putAuditEvent(database, ...newRow(deps, event));
			log(event);
		},
		auditExchange: async (event, used) => {
			const isFirst = await markExchanged(database, used, ...newRow(deps, event));
			if (isFirst) log(event);
			return isFirst;
		},
	};
}

function hasSubject(event: AuditEvent): event is SubjectEvent {
	return event.subject !== undefined;
}

function newRow(
	{ clock, random, retentionDays }: AuditDeps,
	event: SubjectEvent,
): [row: AuditEventRow, expiresAt: Date] {
	const now = clock();
	const row: AuditEventRow = {
		id: toBase64Url(random(ID_BYTES)),
		happenedAt: new Date(now),
		kind: event.kind,
		outcome: event.outcome,
		connectorId: event.connectorId ?? null,
		subject: event.subject,
		email: event.email ?? null,
		clientId: event.clientId ?? null,
		clientAddress: event.clientAddress ?? null,
		reason: event.reason ?? null,
		requestId: event.requestId ?? null,
	};
	return [row, new Date(now + retentionDays * DAY_MS)];
}

/** Where a listing goes on: `<Unix milliseconds>.<id>`. */
const CURSOR = /^(\d{1,15})\.([A-Za-z0-9_-]{1,64})$/;

export interface AuditPage {
	readonly events: readonly AuditEventRow[];
	/** Undefined when there are no more. */
	readonly next: string | undefined;
}

export interface AuditQuery extends Omit<AuditFilter, 'before'> {
	/** The `next` of the page before; undefined begins. What is no such text finds nothing. */
	readonly cursor?: string | undefined;
	readonly limit: number;
}

/** Events that match, newest first. */
export async function listAuditEvents(
	{ database }: Pick<AuditDeps, 'database'>,
	{ cursor, limit, ...filter }: AuditQuery,
): Promise<AuditPage> {
	const parts = cursor === undefined ? undefined : CURSOR.exec(cursor);
	if (parts === null) return { events: [], next: undefined };
	const happenedAtMs = Number(parts?.[1]);
	const before = parts && { happenedAt: new Date(happenedAtMs), id: parts[2] ?? '' };
	const found = await findAuditEvents(database, { ...filter, before }, limit + 1);
	const events = found.slice(0, limit);
	const last = events.at(-1);
	return { events, next: found.length > limit && last ? `${last.happenedAt.getTime()}.${last.id}` : undefined };
}
