/**
 * Collects the bytes of request bodies within two bounds: one per body, and one for all bodies that a listener holds
 * at the same time, because connections times body size is more than a machine has.
 *
 * A body is held from its first byte until its request has been answered: what was made of it lives as long. Small
 * bodies are not counted, nor the beginning of large ones; whoever fills the bound, with bodies that arrive slowly for
 * instance, keeps out large bodies only.
 */
import type { Readable } from 'node:stream';
import { DomainError } from './domain-error.ts';

/** So much more of a too long body is read and thrown away: a smaller bound cuts off clients before they see why. */
const MIN_DISCARDED_BYTES = 8 * 1024 * 1024;

/** How long a too long body is still read, so that a client that writes before it reads sees the refusal. */
const DISCARD_MS = 1_000;

/** So much of each body is not counted: connections times this is what a machine has. */
const UNCOUNTED_BYTES = 64 * 1024;

export interface BodyLimits {
	readonly maxBodyBytes: number;
	/** Sum over all bodies that are held, without the uncounted beginning of each. */
	readonly maxHeldBytes: number;
	/** Default 64 KiB. */
	readonly uncountedBytes?: number;
}

export interface HeldBody {
	readonly bytes: Uint8Array;
	/** To be called once, when the request has been answered. */
	readonly release: () => void;
}

export class BodyReader {
	readonly #limits: BodyLimits;
	#heldBytes = 0;

	constructor(limits: BodyLimits) {
		this.#limits = limits;
	}

	/**
	 * Reads `payload` to its end. `askForIt` is there when the client waits to be asked for the body: it is called once
	 * nothing is known against it, and a body that is refused before is neither asked for nor waited for.
	 * @throws DomainError `body-too-large`; `unavailable` when too many bodies are being received; `invalid-request`
	 * when the client stopped in the middle.
	 */
	read(payload: Readable, contentLength: number | undefined, askForIt?: () => void): Promise<HeldBody> {
		const { maxBodyBytes, maxHeldBytes, uncountedBytes = UNCOUNTED_BYTES } = this.#limits;
		const counts = (bytes: number) => Math.max(0, bytes - uncountedBytes);
		if (askForIt) {
			if ((contentLength ?? 0) > maxBodyBytes) return Promise.reject(tooLarge(maxBodyBytes));
			if (this.#heldBytes + counts(contentLength ?? 0) > maxHeldBytes) return Promise.reject(tooMany());
		}
		return new Promise((resolve, reject) => {
			const chunks: Uint8Array[] = [];
			let length = 0;
			let held = 0;
			let discarded = 0;
			let refusal: DomainError | undefined;
			let timer: NodeJS.Timeout | undefined;

			const release = () => {
				this.#heldBytes -= held;
				held = 0;
				chunks.length = 0;
			};
			const refuse = (error: DomainError) => {
				refusal = error;
				release();
				timer = setTimeout(() => finish(error), DISCARD_MS);
			};
			const finish = (error: DomainError | undefined) => {
				clearTimeout(timer);
				payload.off('data', onData).off('end', onEnd).off('error', onBroken).off('close', onBroken);
				if (error) {
					// Nobody listens any more, but a late error of the stream must not end the process.
					payload.on('error', () => undefined);
					release();
					reject(error);
					return;
				}
				const body = chunks.length === 1 && chunks[0] ? new Uint8Array(chunks[0]) : joined(chunks, length);
				chunks.length = 0;
				resolve({ bytes: body, release });
			};
			const onData = (chunk: Uint8Array) => {
				if (refusal) {
					discarded += chunk.length;
					if (discarded > Math.max(maxBodyBytes, MIN_DISCARDED_BYTES)) finish(refusal);
					return;
				}
				length += chunk.length;
				const counted = counts(length) - held;
				if (length > maxBodyBytes) {
					refuse(tooLarge(maxBodyBytes));
				} else if (counted > 0 && this.#heldBytes + counted > maxHeldBytes) {
					refuse(tooMany());
				} else {
					this.#heldBytes += counted;
					held += counted;
					chunks.push(chunk);
				}
			};
			const onEnd = () => finish(refusal);
			const onBroken = () => finish(refusal ?? new DomainError('invalid-request', 'the body ended early'));

			if (contentLength !== undefined && contentLength > maxBodyBytes) refuse(tooLarge(maxBodyBytes));
			payload.on('data', onData).on('end', onEnd).on('error', onBroken).on('close', onBroken);
			payload.resume();
			askForIt?.();
		});
	}
}

function tooLarge(maxBodyBytes: number): DomainError {
	return new DomainError('body-too-large', `the body is longer than ${maxBodyBytes} bytes`);
}

function tooMany(): DomainError {
	return new DomainError('unavailable', 'too many large bodies are being worked on; try again', {
		retryAfterSeconds: 1,
	});
}

/** A copy, because the pieces are views of buffers that the socket reuses. */
function joined(chunks: readonly Uint8Array[], length: number): Uint8Array {
	const body = new Uint8Array(length);
	let at = 0;
	for (const chunk of chunks) {
		body.set(chunk, at);
		at += chunk.length;
	}
	return body;
}
