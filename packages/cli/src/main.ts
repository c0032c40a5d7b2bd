/**
 * Entry of the `chancery` command. Exit codes: 0 done, 1 refused or failed, 2 wrong usage.
 */
import { ChanceryError } from '@chancery/core/chancery-error';
import { trustFromEnvironment } from '@chancery/net/tls-authorities';
import { CommanderError } from 'commander';
import { fileReason } from './file-problem.ts';
import { buildProgram } from './program.ts';
import { terminal } from './terminal.ts';
import { UsageError } from './usage-error.ts';

// The reader of the output may stop at any time: a script that has seen `ready`, or a closed terminal. That must not end an
// instance that prints one more line, and neither must a full disk. For every other command, a result that could not be
// written is a failure: only `up` sets its own exit code later.
for (const stream of [process.stdout, process.stderr])
	stream.on('error', ({ code }: NodeJS.ErrnoException) => {
		// A closed terminal causes EIO, and so does a failing disk.
		const isGone = code === 'EPIPE' || (code === 'EIO' && stream.isTTY);
		if (isGone || process.exitCode === 1) return;
		process.exitCode = 1;
		if (stream === process.stdout) terminal.error(`the output could not be written (${code})`);
	});

try {
	trustFromEnvironment();
	await buildProgram().parseAsync();
} catch (error) {
	process.exitCode = report(error);
}

function report(error: unknown): number {
	if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
	if (error instanceof UsageError) {
		terminal.error(`${error.message} (see --help)`);
		return 2;
	}
	if (error instanceof ChanceryError) {
		terminal.error(error.message);
		return 1;
	}
	const reason = fileReason(error);
	if (reason !== undefined) {
		terminal.error(`${(error as NodeJS.ErrnoException).path ?? 'a file'} cannot be used: ${reason}`);
		return 1;
	}
	terminal.fault(error instanceof Error ? (error.stack ?? error.message) : String(error));
	return 1;
}
