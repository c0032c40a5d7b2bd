/**
 * How many requests may wait for the keys of issuers. Nothing in a token is verified before its keys are here, so that
 * everybody can make such a request, in the name of any configured issuer: the places of the listener must never all
 * wait for one that hangs.
 *
 * Who finds no place is refused at once, and told when to come back. Tokens whose keys are known never come here.
 *
 * An address is the one at the other end of the connection; a /64 of IPv6 counts as one. Behind a proxy all clients have
 * the proxy's, and then its bound is that of all of them together; it leaves places for others only where a service is
 * reached without one.
 */
import { clientOf } from '../http/client-address.ts';
import { Tally } from '../http/tally.ts';

/** Half of what the listener works on at the same time. */
const MAX_IN_ALL = 256;
/** So that one address that waits for one issuer leaves places to itself at another. */
const MAX_OF_ADDRESS = 192;
const MAX_OF_ISSUER = 128;
/** For an issuer whose last answer was none: enough to notice that it is back. */
const MAX_OF_FAILING_ISSUER = 8;

export class KeyWaiters {
	#all = 0;
	readonly #byClient = new Tally();
	readonly #byIssuer = new Tally();

	/** Takes a place and returns how to give it back; undefined when there is none. */
	enter(issuer: string, isFailing: boolean, address: string): (() => void) | undefined {
		const client = clientOf(address);
		if (this.#all >= MAX_IN_ALL || this.#byClient.of(client) >= MAX_OF_ADDRESS) return undefined;
		if (this.#byIssuer.of(issuer) >= (isFailing ? MAX_OF_FAILING_ISSUER : MAX_OF_ISSUER)) return undefined;
		this.#all++;
		this.#byIssuer.add(issuer);
		this.#byClient.add(client);
		return () => {
			this.#all--;
			this.#byIssuer.take(issuer);
			this.#byClient.take(client);
		};
	}
}
