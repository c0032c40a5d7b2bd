import { expect, it } from 'vitest';
import {
	breaksConnection,
	isCertainRollback,
	isDataError,
	isRetryable,
	isTimeout,
	isUnavailable,
	sqlState,
} from './pg-errors.ts';

const serverError = (code: string, severity = 'ERROR') =>
	Object.assign(new Error('said the server'), { code, severity });
const storageError = (code: string, file: string) => Object.assign(serverError(code), { file });
const socketError = (code: string) => Object.assign(new Error(`connect ${code}`), { code, syscall: 'connect' });

const JUDGES = { isRetryable, isDataError, isTimeout, isUnavailable, isCertainRollback, breaksConnection };

it.each<[string, unknown, (keyof typeof JUDGES)[]]>([
	['a serialization failure', serverError('40001'), ['isRetryable', 'isCertainRollback']],
	['a deadlock', serverError('40P01'), ['isRetryable', 'isCertainRollback']],
	['an unknown completion', serverError('40003'), []],
	['a value out of range', serverError('22003'), ['isDataError', 'isCertainRollback']],
	['a NUL in a text', serverError('22021'), ['isDataError', 'isCertainRollback']],
	['a duplicate key', serverError('23505'), ['isDataError', 'isCertainRollback']],
	['a row too big', serverError('54000'), ['isDataError', 'isCertainRollback']],
	['a missing table', serverError('42P01'), ['isCertainRollback']],
	['a statement timeout', serverError('57014'), ['isTimeout', 'isCertainRollback']],
	['a lock timeout', serverError('55P03'), ['isTimeout', 'isCertainRollback']],
	['an idle transaction cut off', serverError('25P03', 'FATAL'), ['isTimeout', 'breaksConnection']],
	['a server shutting down', serverError('57P01', 'FATAL'), ['isUnavailable', 'breaksConnection']],
	['a server starting up', serverError('57P03', 'FATAL'), ['isUnavailable', 'breaksConnection']],
	['no connection left', serverError('53300', 'FATAL'), ['isUnavailable', 'breaksConnection']],
	['a full disk', serverError('53100'), ['isUnavailable', 'isCertainRollback']],
	['a disk that fails', serverError('58030'), ['isUnavailable', 'isCertainRollback']],
	['a file that is missing to the server', serverError('58P01'), ['isUnavailable', 'isCertainRollback']],
	['no descriptor left to the server', serverError('53000'), ['isUnavailable', 'isCertainRollback']],
	['a read-only file system', storageError('42501', 'fd.c'), ['isUnavailable', 'isCertainRollback']],
	['a quota', storageError('XX000', 'md.c'), ['isUnavailable', 'isCertainRollback']],
	['a missing grant', storageError('42501', 'aclchk.c'), ['isCertainRollback']],
	['an internal error', storageError('XX000', 'nodeAgg.c'), ['isCertainRollback']],
	['a panic', serverError('XX000', 'PANIC'), ['isUnavailable', 'breaksConnection']],
	['a standby', serverError('25006'), ['isUnavailable', 'isCertainRollback', 'breaksConnection']],
	['a broken protocol', serverError('08P01'), ['isUnavailable', 'isCertainRollback', 'breaksConnection']],
	['a refused connection', socketError('ECONNREFUSED'), ['isUnavailable', 'breaksConnection']],
	['a missing socket', socketError('ENOENT'), ['isUnavailable', 'breaksConnection']],
	['no descriptor left for a connection', socketError('EMFILE'), ['isUnavailable', 'breaksConnection']],
	['no descriptor left for a file', Object.assign(new Error('open'), { code: 'EMFILE', syscall: 'open' }), []],
	['a missing file', Object.assign(new Error('open ENOENT'), { code: 'ENOENT', syscall: 'open' }), []],
	['a lost connection', new Error('Connection terminated unexpectedly'), ['isUnavailable', 'breaksConnection']],
	['an error of our own', new Error('connection of ideas terminated'), []],
	['an error of our own with a code', Object.assign(new Error('x'), { code: 'invalid-request' }), []],
	['a code that only looks like a SQLSTATE', Object.assign(new Error('x'), { code: '40001' }), []],
	['something thrown that is no error', 'ECONNREFUSED', []],
	['nothing', undefined, []],
	['null', null, []],
])('judges %s', (_, error, expected) => {
	const judged = Object.entries(JUDGES).filter(([, judge]) => judge(error));
	expect(judged.map(([name]) => name).sort()).toEqual([...expected].sort());
});

it('reads a SQLSTATE only from what the server said', () => {
	expect(sqlState(serverError('23505'))).toBe('23505');
	expect(sqlState(socketError('EPIPE'))).toBeUndefined();
	expect(sqlState(Object.assign(new Error('x'), { code: 23505, severity: 'ERROR' }))).toBeUndefined();
});
