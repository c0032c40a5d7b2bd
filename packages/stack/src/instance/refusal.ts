import { ChanceryError } from '@chancery/core/chancery-error';

/** A start that is refused for a reason the operator can act on: printed as one line, without a stack. */
export class Refusal extends ChanceryError<'refused'> {
	constructor(message: string, options?: ErrorOptions) {
		super('refused', message, options);
	}
}
