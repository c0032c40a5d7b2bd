/**
 * Log lines on their way to a place that may fail: a full disk, a pipe that nobody reads or that was closed, a file
 * system that became read-only. Writing a line never throws, never waits and never ends the process. What cannot be
 * written is counted, and a line says how many are missing, at the place where they are missing, once one fits again.
 */
import { closeSync, constants, fstatSync, openSync, renameSync, writeSync } from 'node:fs';
import { isatty } from 'node:tty';

/** What a logger writes to: whole lines with their line end. */
export interface LineSink {
	write(line: string): void;
}

export interface LinePlace {
	/**
	 * Writes as many of the bytes as fit now and returns their number; does not wait.
	 * @throws the system's error; EAGAIN where there will be room when somebody has read
	 */
	write(bytes: Uint8Array): number;
}

export interface LogLinesOptions {
	/** The line that stands for `lost` others; `reason` is the system's code, such as ENOSPC. */
	readonly lossLine: (lost: number, reason: string) => string;
	/** What waits for a reader at most. Default 1 MiB: a few thousand lines. */
	readonly maxWaitingBytes?: number;
	/** How often a place that takes nothing is tried again while no line comes. Default 500 ms. */
	readonly retryMs?: number;
}

const MAX_WAITING_BYTES = 1024 * 1024;
const RETRY_MS = 500;
/** A reader that has begun to read is given more soon: pipes and sockets hold little. */
const READER_MS = 10;
const STANDARD_ERROR = 2;
const LINE_END = 0x0a;

interface WaitingLine {
	readonly bytes: Uint8Array;
	/** How many lines are lost when this one is: more than one for a line that stands for others. */
	readonly lines: number;
}

export class LogLines implements LineSink {
	readonly #place: LinePlace;
	readonly #lossLine: LogLinesOptions['lossLine'];
	readonly #maxWaitingBytes: number;
	readonly #retryMs: number;
	#waiting: WaitingLine[] = [];
	#waitingBytes = 0;
	/** Bytes of the first waiting line that are written already. */
	#written = 0;
	/** The place ends in a piece of a line whose rest was lost. */
	#isTorn = false;
	#lost = 0;
	#reason = '';
	#timer: NodeJS.Timeout | undefined;

	constructor(place: LinePlace, options: LogLinesOptions) {
		this.#place = place;
		this.#lossLine = options.lossLine;
		this.#maxWaitingBytes = options.maxWaitingBytes ?? MAX_WAITING_BYTES;
		this.#retryMs = options.retryMs ?? RETRY_MS;
	}

	write(line: string): void {
		const bytes = Buffer.from(line);
		if (this.#waitingBytes + bytes.length > this.#maxWaitingBytes) this.#lose(1, 'EAGAIN');
		else {
			this.#tellLoss();
			this.#add({ bytes, lines: 1 });
		}
		this.#flush();
	}

	#flush(): void {
		let hasWritten = false;
		try {
			this.#tellLoss();
			for (let [line] = this.#waiting; line; [line] = this.#waiting) {
				if (this.#isTorn) {
					this.#place.write(Uint8Array.of(LINE_END));
					this.#isTorn = false;
				}
				this.#written += this.#place.write(line.bytes.subarray(this.#written));
				hasWritten = true;
				if (this.#written === line.bytes.length) this.#remove();
				if (this.#waiting.length === 0) this.#tellLoss();
			}
		} catch (error) {
			const code = (error as NodeJS.ErrnoException).code ?? 'unknown';
			if (code !== 'EAGAIN') this.#loseWaiting(code);
			this.#tryLater(hasWritten && code === 'EAGAIN' ? READER_MS : this.#retryMs);
		}
	}

	#add(line: WaitingLine): void {
		this.#waiting.push(line);
		this.#waitingBytes += line.bytes.length;
	}

	#remove(): void {
		this.#waitingBytes -= this.#waiting.shift()?.bytes.length ?? 0;
		this.#written = 0;
	}

	#lose(lines: number, reason: string): void {
		this.#lost += lines;
		this.#reason = reason;
	}

	#loseWaiting(reason: string): void {
		if (this.#written > 0) this.#isTorn = true;
		while (this.#waiting[0]) {
			this.#lose(this.#waiting[0].lines, reason);
			this.#remove();
		}
	}

	/** The lines lost so far get one that stands for them, as soon as there is room for it. */
	#tellLoss(): void {
		if (this.#lost === 0) return;
		const bytes = Buffer.from(this.#lossLine(this.#lost, this.#reason));
		if (this.#waitingBytes + bytes.length > this.#maxWaitingBytes) return;
		this.#add({ bytes, lines: this.#lost });
		this.#lost = 0;
	}

	#tryLater(ms: number): void {
		this.#timer ??= setTimeout(() => {
			this.#timer = undefined;
			this.#flush();
		}, ms).unref();
	}
}

/**
 * Standard error, without waiting for whoever reads it. Node makes a pipe or a socket non-blocking when it opens the
 * stream; a terminal, which may be stopped, is opened once more for ourselves; a file never waits.
 */
export function standardError(): LinePlace {
	let fd = STANDARD_ERROR;
	if (isatty(STANDARD_ERROR)) fd = openTerminal() ?? STANDARD_ERROR;
	else void process.stderr;
	return { write: (bytes) => writeSync(fd, bytes) };
}

function openTerminal(): number | undefined {
	try {
		return openSync(`/proc/self/fd/${STANDARD_ERROR}`, constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
	} catch {
		return undefined;
	}
}

/**
 * A file that is appended to. Past `maxBytes` it becomes `PATH.1`, in place of the one before, and a new one is begun.
 * @throws the system's error when it cannot be opened
 */
export function appendingFile(path: string, maxBytes: number): LinePlace {
	const open = () => openSync(path, 'a', 0o600);
	let fd = open();
	let size = fstatSync(fd).size;
	let isLineStart = true;
	// Where a step fails, lines go on into the file that is open, and the next line tries again. A crash in between leaves
	// no file at `path`; the next start makes one.
	const beginAnew = () => {
		try {
			renameSync(path, `${path}.1`);
		} catch (error) {
			// An attempt before this one came so far and could not open, or somebody else has moved the file away.
			if ((error as NodeJS.ErrnoException).code !== 'ENOENT') return;
		}
		try {
			const old = fd;
			fd = open();
			size = 0;
			closeSync(old);
		} catch {
			// No descriptor, or no room for another file.
		}
	};
	return {
		write: (bytes) => {
			if (size > maxBytes && isLineStart) beginAnew();
			const written = writeSync(fd, bytes);
			size += written;
			isLineStart = bytes[written - 1] === LINE_END;
			return written;
		},
	};
}
