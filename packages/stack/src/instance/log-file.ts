/** The log of an instance: one file, and the one before it, so that a long life does not fill the disk. */
import { appendingFile, type LineSink, LogLines } from '@chancery/chassis/log-lines';
import { lossLine } from '@chancery/chassis/logger';
import type { DataFolder } from './data-folder.ts';

const MAX_BYTES = 20 * 1024 * 1024;

/**
 * Opens the log for appending; past 20 MiB a new one is begun. A line that cannot be written, because the disk is full
 * say, is counted and left out.
 * @throws the system's error when the file cannot be opened
 */
export function openLogFile(folder: DataFolder, name: string): LineSink {
	return new LogLines(appendingFile(folder.logFile, MAX_BYTES), { lossLine: lossLine({ name, json: true }) });
}
