/**
 * Places that holders of tokens share. Anyone can have a valid token where an issuer is public, and as many identities
 * there as the issuer gives him: neither one identity nor one issuer may leave nothing to the others.
 */
import { Tally } from '@chancery/chassis/http/tally';

/** Whom a verified token names. */
export interface TokenHolder {
	/** As configured, and not what a broker names behind it: that is the broker's to choose. */
	readonly issuer: string;
	/** The claim `sub`. */
	readonly subject: string;
}

/** Places of an issuer for each one that is left free. */
const ISSUER_SHARE = 3;

export class HolderShares {
	readonly #byIssuer = new Tally();
	readonly #byHolder = new Tally();
	readonly #hasOtherIssuers: boolean;
	#taken = 0;

	/** `issuerCount`: of the configuration. A single one leaves places to nobody, and has all of them. */
	constructor(issuerCount: number) {
		this.#hasOtherIssuers = issuerCount > 1;
	}

	/**
	 * Whether one of `places` may be this holder's. The measure is what is free: one identity gets half of all places, one
	 * issuer three quarters, and several of them less each, so that something is left however many they are.
	 */
	mayTake(holder: TokenHolder, places: number): boolean {
		const free = places - this.#taken;
		if (this.#byHolder.of(nameOf(holder)) >= free) return false;
		return !this.#hasOtherIssuers || this.#byIssuer.of(holder.issuer) < ISSUER_SHARE * free;
	}

	take(holder: TokenHolder): void {
		this.#taken++;
		this.#byIssuer.add(holder.issuer);
		this.#byHolder.add(nameOf(holder));
	}

	giveBack(holder: TokenHolder): void {
		this.#taken--;
		this.#byIssuer.take(holder.issuer);
		this.#byHolder.take(nameOf(holder));
	}
}

const nameOf = ({ issuer, subject }: TokenHolder): string => JSON.stringify([issuer, subject]);
