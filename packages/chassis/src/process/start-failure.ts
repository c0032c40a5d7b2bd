/**
 * Why a service did not start, in one sentence for whoever has to do something, and the exit code for whoever decides
 * whether to start it again. What is a fault of ours has no sentence: its stack is wanted.
 */
import { ChanceryError } from '@chancery/core/chancery-error';
import { FormatError } from '@chancery/core/format-error';
import { ProofError } from '@chancery/core/proof';
import { KeyError } from '@chancery/keys/key-error';
import { TlsTrustError } from '@chancery/net/tls-authorities';
import { MarkPlaceError } from '@chancery/postgres/mark/mark';
import { CommitUnknownError, isUnavailable, sqlState } from '@chancery/postgres/pg-errors';
import { ConfigError } from '../config/config-error.ts';

/** sysexits(3): the configuration is at fault, a restart will not help. */
const EXIT_CONFIG = 78;
/** A restart may help. */
const EXIT_FAILURE = 1;

/** A wrong password, no such database, a right that is missing: only an operator ends these. */
const OPERATORS_STATES = /^(28|3D|42501)/;

export interface StartFailure {
	readonly sentence: string;
	readonly exitCode: number;
	/** For the log line. */
	readonly fields: Readonly<Record<string, string>>;
}

/** @param explain the sentence for an error of the service that another configuration ends */
export function describeStartFailure(
	error: unknown,
	explain: ((error: unknown) => string | undefined) | undefined,
): StartFailure | undefined {
	if (!(error instanceof Error)) return undefined;
	const { syscall } = error as NodeJS.ErrnoException;
	// A refusal of a key says more than that the configuration names it.
	const { code } = (error.cause instanceof KeyError ? error.cause : error) as NodeJS.ErrnoException;
	const fields = { reason: error.name, ...(typeof code === 'string' ? { code } : {}) };
	if (error instanceof ConfigError || error instanceof TlsTrustError || error instanceof MarkPlaceError)
		return { sentence: error.message, exitCode: EXIT_CONFIG, fields };
	const explained = explain?.(error);
	if (explained !== undefined) return { sentence: explained, exitCode: EXIT_CONFIG, fields };
	if (isUnavailable(error))
		return { sentence: `the database cannot be reached: ${error.message || code}`, exitCode: EXIT_FAILURE, fields };
	if (error instanceof CommitUnknownError)
		return { sentence: `the database: ${error.message}`, exitCode: EXIT_FAILURE, fields };
	const state = sqlState(error);
	if (state !== undefined && OPERATORS_STATES.test(state))
		return { sentence: `the database refused: ${error.message} (${state})`, exitCode: EXIT_CONFIG, fields };
	// A refusal of a domain, such as a mark that another process has: its words are for people, and it may pass. What the
	// server says as `detail` are the values of a row ("Key (email)=(...) already exists.") and goes nowhere.
	if (state === undefined && 'detail' in error && typeof error.detail === 'string')
		return { sentence: error.detail, exitCode: EXIT_FAILURE, fields };
	// Bytes or proofs that do not fit, and nobody has explained: a damaged row, or a fault of ours.
	if (error instanceof FormatError || error instanceof ProofError) return undefined;
	if (error instanceof ChanceryError || syscall !== undefined)
		return { sentence: error.message, exitCode: EXIT_FAILURE, fields };
	return undefined;
}
