import { ChanceryError } from '@chancery/core/chancery-error';

/** An error of the system about a file, with words that say what to do. Exit code 1: the command line may be right. */

export class FileProblem extends ChanceryError<'file-unusable'> {
	constructor(message: string, options?: ErrorOptions) {
		super('file-unusable', message, options);
	}
}

const REASONS: Readonly<Record<string, string>> = {
	ENOENT: 'it does not exist',
	ENOTDIR: 'a part of its path is a file and not a folder',
	EISDIR: 'it is a folder; name a file',
	EACCES: 'permission is denied',
	EPERM: 'the system does not allow it',
	ELOOP: 'its symbolic links lead in a circle',
	ENAMETOOLONG: 'its name is too long',
	ENXIO: 'nobody is at the other end of it',
	EIO: 'the disk reports an error',
	EROFS: 'the file system is read-only',
	ENOSPC: 'the disk is full',
	EDQUOT: 'the quota is used up',
	EFBIG: 'the file system takes no file of this size',
	EMFILE: 'this process has too many files open',
	ENFILE: 'the system has too many files open',
	ETXTBSY: 'it is being executed',
	ESTALE: 'the network file system has lost it',
	ERR_INVALID_ARG_VALUE: 'this is no path',
};

/** The reason alone, with the system's error code after it; undefined when `error` is not about a file. */
export function fileReason(error: unknown): string | undefined {
	const { code } = error as NodeJS.ErrnoException;
	if (!(error instanceof Error) || typeof code !== 'string') return undefined;
	const known = REASONS[code];
	if (known !== undefined) return `${known} (${code})`;
	return 'syscall' in error ? `the system refuses (${code})` : undefined;
}

/** `what` with its path, and the action: `the bundle b.json cannot be read`. Other errors are thrown again. */
export function explainFile(error: unknown, whatCannotBe: string): FileProblem {
	const reason = fileReason(error);
	if (reason === undefined) throw error;
	return new FileProblem(`${whatCannotBe}: ${reason}`, { cause: error });
}
