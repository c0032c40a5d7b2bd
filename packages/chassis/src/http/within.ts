/** Waits for `work` for at most `timeoutMs`, then rejects with what `late` makes. The work itself is not ended by that. */
export function within<T>(timeoutMs: number, work: Promise<T>, late: () => Error): Promise<T> {
	let timer: NodeJS.Timeout | undefined;
	const overdue = new Promise<never>((_resolve, reject) => {
		timer = setTimeout(() => reject(late()), timeoutMs);
	});
	return Promise.race([work, overdue]).finally(() => clearTimeout(timer));
}
