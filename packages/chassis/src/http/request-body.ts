/**
 * Collects the bytes of request bodies within two bounds: one per body, and one for all bodies that a listener holds
 * at the same time, because connections times body size is more than a machine has.
 *
 * A body is held from its first byte until its request has been answered: what was made of it lives as long. Small
 * bodies are not counted, nor the beginning of large ones; whoever fills the bound, with bodies that arrive slowly for
 * instance, keeps out large bodies only.
 *
 * The sender chooses in what pieces a body arrives. Each one costs an object of a hundred bytes and some work, whatever
 * its size: its bytes are copied at once, and a body in many tiny pieces is refused.
 */
import type { Readable } from 'node:stream';
import { DomainError } from '../domain-error.ts';

/** So much more of a too long body is read and thrown away: a smaller bound cuts off clients before they see why. */
const MIN_DISCARDED_BYTES = 8 * 1024 * 1024;

/** How long a too long body is still read, so that a client that writes before it reads sees the refusal. */
const DISCARD_MS = 1_000;

/** So much of each body is not counted: connections times this is what a machine has. */
const UNCOUNTED_BYTES = 64 * 1024;

/** So many pieces may be of any size: lines of a small body that a program writes one by one. */
const FREE_PIECES = 4096;

/** The others have this many bytes on average: half of the smallest segment of TCP, because a chunk may be cut by one. */
const MIN_MEAN_PIECE_BYTES = 256;

export interface BodyLimits {
	readonly maxBodyBytes: number;
	/** Sum of the memory for all bodies that are held, without the uncounted beginning of each. */
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
	 * nothing is known against it, and a body that is refused before is neither asked for nor waited for. A route may have
	 * a `routeMaxBytes` below that of its listener.
	 * @throws {DomainError} `body-too-large`; `unavailable` when too many bodies are being received; `invalid-request`
	 * when the client stopped in the middle or sends tiny pieces.
	 */
	read(
		payload: Readable,
		contentLength: number | undefined,
		askForIt?: () => void,
		routeMaxBytes = this.#limits.maxBodyBytes,
	): Promise<HeldBody> {
		const { maxHeldBytes, uncountedBytes = UNCOUNTED_BYTES } = this.#limits;
		const maxBodyBytes = Math.min(routeMaxBytes, this.#limits.maxBodyBytes);
		const counts = (bytes: number) => Math.max(0, bytes - uncountedBytes);
		if (askForIt) {
			if ((contentLength ?? 0) > maxBodyBytes) return Promise.reject(tooLarge(maxBodyBytes));
			if (this.#heldBytes + counts(contentLength ?? 0) > maxHeldBytes) return Promise.reject(tooMany());
		}
		return new Promise((resolve, reject) => {
			let buffer = new Uint8Array();
			let length = 0;
			let pieces = 0;
			let held = 0;
			let discarded = 0;
			let refusal: DomainError | undefined;
			let timer: NodeJS.Timeout | undefined;

			const release = () => {
				this.#heldBytes -= held;
				held = 0;
				buffer = new Uint8Array();
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
				resolve({ bytes: buffer.subarray(0, length), release });
			};
			const onData = (piece: Uint8Array) => {
				pieces++;
				if (pieces > FREE_PIECES + (length + discarded) / MIN_MEAN_PIECE_BYTES) {
					finish(tinyPieces());
					return;
				}
				if (refusal) {
					discarded += piece.length;
					if (discarded > Math.max(this.#limits.maxBodyBytes, MIN_DISCARDED_BYTES)) finish(refusal);
					return;
				}
				if (length + piece.length > maxBodyBytes) {
					refuse(tooLarge(maxBodyBytes));
					return;
				}
				if (length + piece.length > buffer.length) {
					// Twice as long each time, so that no byte is copied often; never longer than what may still come.
					const most = Math.min(maxBodyBytes, contentLength ?? maxBodyBytes);
					const capacity = Math.max(length + piece.length, Math.min(2 * buffer.length, most));
					const counted = counts(capacity) - held;
					if (counted > 0 && this.#heldBytes + counted > maxHeldBytes) {
						refuse(tooMany());
						return;
					}
					this.#heldBytes += counted;
					held += counted;
					const longer = new Uint8Array(capacity);
					longer.set(buffer);
					buffer = longer;
				}
				buffer.set(piece, length);
				length += piece.length;
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

function tinyPieces(): DomainError {
	return new DomainError(
		'invalid-request',
		`the body comes in too many tiny pieces; send chunks of ${MIN_MEAN_PIECE_BYTES} bytes or more, or a Content-Length`,
	);
}
