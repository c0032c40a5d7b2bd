/** Refusals of object stores. */
import { ChanceryError } from '@chancery/core/chancery-error';

/** The object store cannot be used; the message says what was asked of which place, and what came back. */
export class ObjectStoreError extends ChanceryError<'object-store-refused'> {
	constructor(message: string, options?: ErrorOptions) {
		super('object-store-refused', message, options);
	}
}
