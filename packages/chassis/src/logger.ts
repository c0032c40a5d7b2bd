/**
 * Logs: one JSON object (or one line of text) per event, to standard error. Whatever is logged passes two nets, so that
 * a careless line cannot leak: fields with telling names are replaced, and what looks like a credential is cut out of the
 * finished line.
 */
import { maskCredentials } from '@chancery/net/mask-credentials';
import { type Logger, pino } from 'pino';
import { type LineSink, LogLines, standardError } from './log-lines.ts';

export type { Logger };

export type LogLevel = 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace' | 'silent';

/** Which requests have a line; the others have one at level `debug`. What failed has one in every case. */
export const ACCESS_LOGS = ['all', 'writes-and-errors', 'errors'] as const;
export type AccessLog = (typeof ACCESS_LOGS)[number];
export const DEFAULT_ACCESS_LOG: AccessLog = 'writes-and-errors';

export interface LoggerOptions {
	readonly level: LogLevel;
	/** JSON lines for machines, or text for people. */
	readonly json: boolean;
	readonly name: string;
	/** Where lines go; standard error when absent. */
	readonly destination?: LineSink;
}

const REDACTED = '[redacted]';
const SECRET_NAME = /authorization|cookie|token|secret|passw|passphrase|private_?key|credential|^(user_?)?pin$/i;
const MAX_DEPTH = 5;
const MAX_ITEMS = 100;
const MAX_CAUSES = 4;

/** A logger to standard error (written at once: the last line before an exit is the one that matters). */
export function createLogger(options: LoggerOptions): Logger {
	const destination = options.destination ?? new LogLines(standardError(), { lossLine: lossLine(options) });
	return pino(
		{
			level: options.level,
			base: { name: options.name },
			timestamp: pino.stdTimeFunctions.isoTime,
			formatters: {
				level: (label) => ({ level: label }),
				log: (fields) => scrub(fields, 0) as Record<string, unknown>,
			},
			serializers: { err: describeError },
			hooks: { streamWrite: (line) => maskCredentials(options.json ? line : textLine(line)) },
		},
		destination,
	);
}

/** Writes the line that stands for lines that could not be written, in the form of the others. */
export function lossLine({ name, json }: Pick<LoggerOptions, 'name' | 'json'>) {
	return (lost: number, reason: string): string => {
		const msg = 'log lines could not be written and are lost';
		const nowMs = Date.now();
		const time = new Date(nowMs).toISOString();
		const line = `${JSON.stringify({ level: 'error', time, name, lost, reason, msg })}\n`;
		return json ? line : textLine(line);
	};
}

/** A copy of `value` without secrets and without bulk; errors stay as they are for their serializer. */
function scrub(value: unknown, depth: number): unknown {
	if (value === null || typeof value !== 'object') return typeof value === 'bigint' ? value.toString() : value;
	if (value instanceof Error) return depth === 0 ? value : describeError(value);
	if (value instanceof Date) return value;
	if (ArrayBuffer.isView(value)) return `<${value.byteLength} bytes>`;
	if (depth >= MAX_DEPTH) return '<nested>';
	if (Array.isArray(value)) return value.slice(0, MAX_ITEMS).map((item) => scrub(item, depth + 1));
	const copy: Record<string, unknown> = {};
	for (const [name, item] of Object.entries(value).slice(0, MAX_ITEMS)) {
		if (depth === 0 && name === 'err') copy[name] = item;
		else copy[name] = SECRET_NAME.test(name) ? REDACTED : scrub(item, depth + 1);
	}
	return copy;
}

/**
 * Name, code, message and stack of an error and its causes. Other properties are left out on purpose: errors of token
 * and database libraries carry claims, rows and parameters.
 */
function describeError(error: unknown, depth = 0): unknown {
	if (!(error instanceof Error)) return typeof error === 'string' ? error.slice(0, 500) : `<${typeof error}>`;
	const code = (error as { code?: unknown }).code;
	return {
		name: error.name,
		...(typeof code === 'string' || typeof code === 'number' ? { code } : {}),
		message: error.message.slice(0, 2000),
		...(error.stack ? { stack: error.stack.slice(0, 4000) } : {}),
		...(error.cause !== undefined && depth < MAX_CAUSES ? { cause: describeError(error.cause, depth + 1) } : {}),
	};
}

/** `12:30:59.123 WARN  ca: message field=value` */
function textLine(line: string): string {
	const { level, time, name, msg, err, ...fields } = JSON.parse(line) as Record<string, unknown>;
	const rest = Object.entries(fields).map(
		([key, value]) => ` ${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
	);
	const failure = err as { stack?: string; message?: string } | undefined;
	const trace = failure ? `\n  ${(failure.stack ?? failure.message ?? String(err)).replaceAll('\n', '\n  ')}` : '';
	const clock = String(time).slice(11, 23);
	return `${clock} ${String(level).toUpperCase().padEnd(5)} ${String(name)}: ${String(msg ?? '')}${rest.join('')}${trace}\n`;
}
