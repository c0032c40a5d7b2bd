/**
 * Bounds the requests that a listener works on at the same time.
 *
 * A request is counted from the moment its body is complete (slow senders are bounded by connections and timeouts, and
 * must not starve the others) until its answer has been made. Whether the client then takes the answer is no work of
 * ours any more: `HeldAnswers` and `AnswerTaking` bound that. When the client leaves earlier the work goes on, so the
 * place stays taken until there is an answer to throw away.
 */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { DomainError } from '../domain-error.ts';

export interface Places {
	/** The refusal of a request that would find no place now. */
	refusal(): DomainError | undefined;
}

/** `onRelease` hears of each request once, when it is over. */
export function limitInFlight(
	app: FastifyInstance,
	maxInFlight: number,
	onRelease: (request: FastifyRequest) => void,
): Places {
	const working = new WeakSet<FastifyRequest>();
	let inFlight = 0;
	const release = (request: FastifyRequest) => {
		if (!working.delete(request)) return;
		inFlight--;
		onRelease(request);
	};
	const refusal = () =>
		inFlight < maxInFlight
			? undefined
			: new DomainError('unavailable', 'the server is busy; try again', { retryAfterSeconds: 1 });
	app.addHook('preValidation', (request, reply, done) => {
		const refused = refusal();
		if (refused) {
			onRelease(request);
			done(refused);
			return;
		}
		inFlight++;
		working.add(request);
		// An answer that another library writes, past the hook below.
		reply.raw.once('close', () => {
			if (reply.sent) release(request);
		});
		done();
	});
	app.addHook('onSend', (request, _reply, payload, done) => {
		release(request);
		done(null, payload);
	});
	return { refusal };
}
