/**
 * What a failure of the database means for its caller: whether it may be repeated, whether the data is to blame, whether the
 * server is down, or whether the outcome is unknown. SQLSTATE classes are those of PostgreSQL's manual, appendix A.
 */
import { ChanceryError } from '@chancery/core/chancery-error';

/**
 * COMMIT was sent, and the server's answer did not arrive. Or the answer says that the transaction is stored here but perhaps
 * not on a synchronous standby. The transaction may be durable or gone; only reading the database again can tell, on a
 * writable server and under the same locks.
 */
export class CommitUnknownError extends ChanceryError<'commit-unknown'> {
	constructor(message: string, options?: ErrorOptions) {
		super('commit-unknown', message, options);
	}
}

/**
 * COMMIT of a transaction that had already failed: the work ignored the error of a statement. PostgreSQL answers such a COMMIT
 * with ROLLBACK and no error. Nothing of the transaction is stored.
 */
export class TransactionAbortedError extends Error {
	override readonly name = 'TransactionAbortedError';
}

/** Node's error codes of a connection that could not be made or was lost. */
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
 * These codes mean for the server's socket that no process listens there, or that this process or machine has no descriptor,
 * buffer or port left for a connection. For any other file they say nothing about a server.
 */
const CONNECT_CODES = new Set(['ENOENT', 'EACCES', 'EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM', 'EAGAIN', 'EADDRNOTAVAIL']);

/**
 * Source files of the server that read and write files. When the system refuses that (a read-only file system, a quota), there
 * is no SQLSTATE of its own: the error is 42501, as for a missing grant, or an internal error.
 */
const STORAGE_SOURCES = new Set(['bufmgr.c', 'buffile.c', 'fd.c', 'md.c', 'relmapper.c', 'slru.c', 'xlog.c']);

/** Failures that pg reports without a code. The texts are pg's own; tests compare them with real failures. */
const PG_WORDINGS =
	/^(Connection terminated|timeout exceeded when trying to connect|timeout expired|Query read timeout|Client has encountered a connection error|Client was closed)/;

/** The five characters that the server sent with `error`; undefined when the error is not from the server. */
export function sqlState(error: unknown): string | undefined {
	const code = codeOf(error);
	return code !== undefined && 'severity' in (error as object) && /^[0-9A-Z]{5}$/.test(code) ? code : undefined;
}

/** The server rolled back only because of other transactions (serialization failure, deadlock): run it again. */
export function isRetryable(error: unknown): boolean {
	const state = sqlState(error);
	return state === '40001' || state === '40P01';
}

/** The server refused the data itself: impossible values (22), broken constraints (23), program limits (54). */
export function isDataError(error: unknown): boolean {
	return /^(22|23|54)/.test(sqlState(error) ?? '');
}

/** A timeout of the connection ended a statement, or its wait for a lock. */
export function isTimeout(error: unknown): boolean {
	return ['57014', '55P03', '25P03', '25P04'].includes(sqlState(error) ?? '');
}

/**
 * The server could not be reached, is shutting down or starting up, has no space (connections, memory, disk), cannot use its
 * files, or is read-only (a standby after a failover): the client should come back later. Does not say whether a statement
 * took effect.
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

/** The server's disk is full. It has undone the statement, and the next attempt fails the same way until there is space. */
export function isDiskFull(error: unknown): boolean {
	return sqlState(error) === '53100' && isCertainRollback(error);
}

/**
 * Whether a failed COMMIT certainly left nothing: the server itself reported an ordinary error of the statement. A fatal error
 * may have come between the commit record and the answer, and 40003 means just that.
 */
export function isCertainRollback(error: unknown): boolean {
	const state = sqlState(error);
	return state !== undefined && state !== '40003' && (error as { severity?: unknown }).severity === 'ERROR';
}

/**
 * Whether a notice with the answer to COMMIT limits what it confirms. Warnings have classes of their own; purely informative
 * notices have 00000. Texts, and the severity too, are in the server's language.
 */
export function isReservation(notice: unknown): boolean {
	return /^0[12]/.test(codeOf(notice) ?? '');
}

/** After this error the connection must not be used again: it is gone, or its server cannot write. */
export function breaksConnection(error: unknown): boolean {
	const state = sqlState(error);
	if (state === undefined) return isUnavailable(error);
	return (error as { severity?: unknown }).severity !== 'ERROR' || state === '25006' || state.startsWith('08');
}

/** After a panic (for example no space for its log) the server ends all its processes and recovers. */
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
