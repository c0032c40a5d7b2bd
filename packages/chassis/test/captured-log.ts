/** A logger whose lines a test can read. */
import { createLogger, type Logger, type LogLevel } from '../src/logger.ts';

export interface CapturedLog {
	readonly logger: Logger;
	/** Finished lines as they would have been written. */
	readonly lines: string[];
	/** The same, parsed. */
	events(): Record<string, unknown>[];
}

export function captureLog(level: LogLevel = 'debug', json = true): CapturedLog {
	const lines: string[] = [];
	const destination = { write: (line: string) => void lines.push(line) };
	return {
		logger: createLogger({ level, json, name: 'test', destination }),
		lines,
		events: () => lines.map((line) => JSON.parse(line) as Record<string, unknown>),
	};
}
