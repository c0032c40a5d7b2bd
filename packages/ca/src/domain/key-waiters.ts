/**
 * How many requests may wait for the keys of issuers. Nothing in a token is verified before its keys are here, so that
 * everybody can make such a request, in the name of any configured issuer: the places of the listener must never all
 * wait for one that hangs.
 *
 * Who finds no place is refused at once, and told when to come back. Tokens whose keys are known never come here.
 *
 * An address is the one at the other end of the connection. Behind a proxy all clients have the proxy's, and then its
 * bound is that of all of them together; it leaves places for others only where a service is reached without one. A
 * client with a whole IPv6 network has many addresses; the other bounds hold for him.
 */

/** Half of what the listener works on at the same time. */
const MAX_IN_ALL = 256;
/** So that one address that waits for one issuer leaves places to itself at another. */
const MAX_OF_ADDRESS = 192;
const MAX_OF_ISSUER = 128;
/** For an issuer whose last answer was none: enough to notice that it is back. */
const MAX_OF_FAILING_ISSUER = 8;

export class KeyWaiters {
	#all = 0;
	readonly #byAddress = new Map<string, number>();
	readonly #byIssuer = new Map<string, number>();

	/** Takes a place and returns how to give it back; undefined when there is none. */
	enter(issuer: string, isFailing: boolean, address: string): (() => void) | undefined {
		const atIssuer = this.#byIssuer.get(issuer) ?? 0;
		const fromAddress = this.#byAddress.get(address) ?? 0;
		if (this.#all >= MAX_IN_ALL || fromAddress >= MAX_OF_ADDRESS) return undefined;
		if (atIssuer >= (isFailing ? MAX_OF_FAILING_ISSUER : MAX_OF_ISSUER)) return undefined;
		this.#all++;
		this.#byIssuer.set(issuer, atIssuer + 1);
		this.#byAddress.set(address, fromAddress + 1);
		return () => {
			this.#all--;
			decrease(this.#byIssuer, issuer);
			decrease(this.#byAddress, address);
		};
	}
}

/** Names are forgotten with their last place: addresses are the client's to choose. */
function decrease(counts: Map<string, number>, name: string): void {
	const left = (counts.get(name) ?? 0) - 1;
	if (left > 0) counts.set(name, left);
	else counts.delete(name);
}
