/**
 * Who waits, in turns: first the issuers take turns, then the identities of each, so that many requests, or many
 * identities, of one party are no more turns for it. Requests of one identity are in the order in which they came.
 */
import type { TokenHolder } from './holder-shares.ts';

export interface Waiting {
	readonly holder: TokenHolder;
	readonly begin: () => void;
}

export class HolderTurns {
	/** By issuer and subject; whoever is in front is the next. */
	readonly #lines = new Map<string, Map<string, Set<Waiting>>>();

	add(waiting: Waiting): void {
		const { issuer, subject } = waiting.holder;
		const ofIssuer = this.#lines.get(issuer) ?? new Map<string, Set<Waiting>>();
		this.#lines.set(issuer, ofIssuer.set(subject, (ofIssuer.get(subject) ?? new Set()).add(waiting)));
	}

	remove(waiting: Waiting): void {
		const { issuer, subject } = waiting.holder;
		const ofIssuer = this.#lines.get(issuer);
		const line = ofIssuer?.get(subject);
		line?.delete(waiting);
		if (line?.size === 0) ofIssuer?.delete(subject);
		if (ofIssuer?.size === 0) this.#lines.delete(issuer);
	}

	/** Takes out the next of those who may begin. */
	next(mayBegin: (holder: TokenHolder) => boolean): Waiting | undefined {
		for (const [issuer, ofIssuer] of this.#lines)
			for (const [subject, line] of ofIssuer) {
				const [first] = line;
				if (!first || !mayBegin(first.holder)) continue;
				moveToEnd(ofIssuer, subject, line);
				moveToEnd(this.#lines, issuer, ofIssuer);
				this.remove(first);
				return first;
			}
		return undefined;
	}
}

function moveToEnd<V>(map: Map<string, V>, name: string, value: V): void {
	map.delete(name);
	map.set(name, value);
}
