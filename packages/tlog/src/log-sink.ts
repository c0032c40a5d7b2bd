/**
 * Where the engine tells an operator what it does. A pino logger fits.
 */

export interface LogSink {
	info(fields: object, message: string): void;
	warn(fields: object, message: string): void;
	error(fields: object, message: string): void;
}

export const SILENT: LogSink = { info() {}, warn() {}, error() {} };
