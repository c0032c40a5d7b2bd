import { expect, it } from 'vitest';
import { answerInTime } from './answer-in-time.ts';

const never = new Promise<never>(() => undefined);

it('passes on what came in time, also an error', async () => {
	expect(await answerInTime(Promise.resolve('sct'), 60_000)).toBe('sct');
	const error = new Error('in time');
	await expect(answerInTime(Promise.reject(error), 60_000)).rejects.toBe(error);
});

it('says that the log is late, when to come back, and that nothing is lost', async () => {
	await expect(answerInTime(never, 1)).rejects.toMatchObject({
		code: 'log-unavailable',
		detail: expect.stringContaining('sent again, finds what was done'),
		retryAfterSeconds: 1,
	});
});

it('leaves no error unhandled when late work fails', async () => {
	const unhandled: unknown[] = [];
	const note = (reason: unknown) => unhandled.push(reason);
	process.on('unhandledRejection', note);
	const { promise, reject } = Promise.withResolvers<string>();
	await expect(answerInTime(promise, 1)).rejects.toMatchObject({ code: 'log-unavailable' });
	reject(new Error('too late'));
	await new Promise((resolve) => setImmediate(resolve));
	process.off('unhandledRejection', note);
	expect(unhandled).toEqual([]);
});
