/**
 * A start that is refused for a reason the operator can act on. Printed as one line without a stack trace; everything
 * else that ends a start is a fault of ours and is printed in full.
 */
export class Refusal extends Error {
	override readonly name = 'Refusal';
}
