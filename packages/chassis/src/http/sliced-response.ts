/**
 * A response that hands a large body to its connection slice by slice, each when the one before has been taken. Handed
 * over whole, it would be encrypted whole (a second copy, for as long as the client likes), and nobody could see how
 * much of it a client has taken.
 */
import { ServerResponse } from 'node:http';

/** Small beside what is held of one answer, and large beside the work of a slice. */
const SLICE_BYTES = 256 * 1024;

export class SlicedResponse extends ServerResponse {
	#isEnding = false;

	static {
		// As node says of it: true once `end` has been called, whether or not the bytes have left. Node's types call the
		// accessor a property, which syntax cannot override.
		Object.defineProperty(SlicedResponse.prototype, 'writableEnded', {
			get(this: SlicedResponse): boolean {
				return this.#isEnding || Reflect.get(ServerResponse.prototype, 'writableEnded', this);
			},
		});
	}

	override end(callback?: () => void): this;
	override end(chunk: unknown, callback?: () => void): this;
	override end(chunk: unknown, encoding: BufferEncoding, callback?: () => void): this;
	override end(...args: unknown[]): this {
		const [body] = args;
		if (!(body instanceof Uint8Array) || body.length <= SLICE_BYTES || this.#isEnding)
			return super.end(...(args as [unknown, BufferEncoding, () => void]));
		const callback = args.findLast((arg) => typeof arg === 'function') as (() => void) | undefined;
		// What node works out by itself for a body that it gets in one piece.
		if (!this.headersSent && !this.hasHeader('content-length')) this.setHeader('content-length', body.length);
		this.#isEnding = true;
		let at = 0;
		const next = () => {
			while (at + SLICE_BYTES < body.length) {
				const slice = body.subarray(at, at + SLICE_BYTES);
				at += SLICE_BYTES;
				if (!this.write(slice)) {
					this.once('drain', next);
					return;
				}
			}
			super.end(body.subarray(at), callback);
		};
		next();
		return this;
	}
}
