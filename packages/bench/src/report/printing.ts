/** Where the benchmark prints: figures to standard output, progress to standard error. */

export function print(text = ''): void {
	process.stdout.write(`${text}\n`);
}

export function progress(text: string): void {
	process.stderr.write(`${text}\n`);
}
