/** How much of something each name has. Names are forgotten when they have nothing left: they are the client's to choose. */
export class Tally {
	readonly #amounts = new Map<string, number>();

	of(name: string): number {
		return this.#amounts.get(name) ?? 0;
	}

	add(name: string, amount = 1): void {
		this.#amounts.set(name, this.of(name) + amount);
	}

	take(name: string, amount = 1): void {
		const left = this.of(name) - amount;
		if (left > 0) this.#amounts.set(name, left);
		else this.#amounts.delete(name);
	}
}
