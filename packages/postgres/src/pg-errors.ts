/**
 * What a failure of the database means for its caller: may it be repeated, is the data to blame, is the server away,
 * or does nobody know. SQLSTATE classes are those of PostgreSQL's manual, appendix A.
 */
import { ChanceryError } from '@chancery/core/chancery-error';

/**
 * COMMIT was sent and the server's answer did not arrive, or says that the transaction is stored here but perhaps not
 * where it should be besides (a synchronous standby). The transaction may be durable or gone; only reading the database
 * again, on a writable server and under the same locks, can tell.
 */
export class CommitUnknownError extends ChanceryError<'commit-unknown'> {
	constructor(message: string, options?: ErrorOptions) {
		super('commit-unknown', message, options);
	}
}

/**
 * A transaction that was asked to commit had already failed inside: a statement's error was swallowed by the work.
 * PostgreSQL answers such a COMMIT with a quiet ROLLBACK. Nothing of the transaction is stored.
 */
export class TransactionAbortedError extends ChanceryError<'transaction-aborted'> {
	constructor(message: string, options?: ErrorOptions) {
		super('transaction-aborted', message, options);
	}
}

/** Node's codes of a connection that could not be made or did not last. */
const SOCKET_CODES = new Set([
	'ECONNREFUSED',
	'ECONNRESET',
	'ECONNABORTED',
	'EPIPE',
	'ETIMEDOUT',
	'EAI_AGAIN',
	'ENOTFOUND',
	'EHOSTUNREACH',
	'EHOSTDOWN',
	'ENETUNREACH',
	'ENETDOWN',
]);

/**
 * Said of the server's socket when nobody listens there, or when this process or machine has no descriptor, buffer or
 * port left for a connection. Of any other file they say nothing about a server.
 */
const CONNECT_CODES = new Set(['ENOENT', 'EACCES', 'EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM', 'EAGAIN', 'EADDRNOTAVAIL']);

/**
 * The sources of the server that read and write files. What the system refuses them (a file system that became
 * read-only, a quota) has no SQLSTATE of its own: it comes as 42501, like a missing grant, or as an internal error.
 */
const STORAGE_SOURCES = new Set(['bufmgr.c', 'buffile.c', 'fd.c', 'md.c', 'relmapper.c', 'slru.c', 'xlog.c']);

/** Failures that pg reports without any code. The wordings are pg's own and pinned by tests against the real thing. */
const PG_WORDINGS =
	/^(Connection terminated|timeout exceeded when trying to connect|timeout expired|Query read timeout|Client has encountered a connection error|Client was closed)/;

/** The five characters the server sent with `error`, or undefined when the server did not say anything. */
export function sqlState(error: unknown): string | undefined {
	const code = codeOf(error);
	return code !== undefined && 'severity' in (error as object) && /^[0-9A-Z]{5}$/.test(code) ? code : undefined;
}

/** The server rolled the transaction back only because of others (serialization failure, deadlock): run it again. */
export function isRetryable(error: unknown): boolean {
	const state = sqlState(error);
	return state === '40001' || state === '40P01';
}

/** The server refused the data itself: impossible values (22), broken constraints (23), program limits (54). */
export function isDataError(error: unknown): boolean {
	return /^(22|23|54)/.test(sqlState(error) ?? '');
}

/** A statement or a wait for a lock was cut off by one of the timeouts of the connection. */
export function isTimeout(error: unknown): boolean {
	return ['57014', '55P03', '25P03', '25P04'].includes(sqlState(error) ?? '');
}

/**
 * The server could not be reached, is shutting down or starting up, has no room (connections, memory, disk), cannot use
 * its files, or only reads (a standby after a failover): worth telling the client to come back later. Says nothing about
 * whether a statement took effect.
 */
export function isUnavailable(error: unknown): boolean {
	const state = sqlState(error);
	if (state !== undefined)
		return /^(08|53|57P0|58|25006)/.test(state) || isRestarting(error) || isStorageFailure(error);
	const code = codeOf(error);
	if (code !== undefined && SOCKET_CODES.has(code)) return true;
	if (code !== undefined && CONNECT_CODES.has(code))
		return /^(connect|socket)$/.test(String((error as { syscall?: unknown }).syscall));
	return error instanceof Error && PG_WORDINGS.test(error.message);
}

/** The server's disk is full: it has undone the statement, and the next attempt meets the same until somebody makes room. */
export function isDiskFull(error: unknown): boolean {
	return sqlState(error) === '53100' && isCertainRollback(error);
}

/**
 * Whether a failed COMMIT is known to have left nothing behind: the server itself reported a plain error of the
 * statement. A fatal one may have struck between the commit record and the answer, and 40003 says so in as many words.
 */
export function isCertainRollback(error: unknown): boolean {
	const state = sqlState(error);
	return state !== undefined && state !== '40003' && (error as { severity?: unknown }).severity === 'ERROR';
}

/**
 * Whether a notice that came with the answer to COMMIT takes part of it back. Warnings have classes of their own; what
 * only informs is 00000. The words, also that of the severity, come in the server's language.
 */
export function isReservation(notice: unknown): boolean {
	return /^0[12]/.test(codeOf(notice) ?? '');
}

/** After this error the connection must not be used again: it is gone, or it leads to a server that cannot write. */
export function breaksConnection(error: unknown): boolean {
	const state = sqlState(error);
	if (state === undefined) return isUnavailable(error);
	return (error as { severity?: unknown }).severity !== 'ERROR' || state === '25006' || state.startsWith('08');
}

/** After a panic (no room for its log, say) the server ends all its processes and recovers. */
function isRestarting(error: unknown): boolean {
	return (error as { severity?: unknown }).severity === 'PANIC';
}

function isStorageFailure(error: unknown): boolean {
	const { code, file } = error as { code?: unknown; file?: unknown };
	return (code === '42501' || code === 'XX000') && typeof file === 'string' && STORAGE_SOURCES.has(file);
}

function codeOf(error: unknown): string | undefined {
	if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
	return typeof error.code === 'string' ? error.code : undefined;
}
