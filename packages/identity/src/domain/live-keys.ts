/**
 * The keys of one issuer while the service runs: replaced as a whole when the clock or a changed file says so. Whoever signs
 * or publishes always has one set; a file that cannot be used changes nothing.
 */
import type { Clock } from '@chancery/chassis/service';
import { type IssuerKeys, openIssuerKeys } from './issuer-keys.ts';
import { keysAt, type ScheduledJwk } from './key-schedule.ts';

export class LiveKeys implements IssuerKeys {
	readonly #issuer: string;
	readonly #clock: Clock;
	#now: { readonly keys: IssuerKeys; readonly print: string };

	private constructor(issuer: string, clock: Clock, now: { keys: IssuerKeys; print: string }) {
		this.#issuer = issuer;
		this.#clock = clock;
		this.#now = now;
	}

	/** @throws {SigningKeyError} when there is no RS256 key, or a key cannot be used */
	static async open(issuer: string, jwks: readonly ScheduledJwk[], clock: Clock): Promise<LiveKeys> {
		return new LiveKeys(issuer, clock, await open(issuer, keysAt(jwks, clock())));
	}

	/**
	 * Takes over what the file says now. Returns whether anything changed.
	 * @throws {SigningKeyError}; then the keys stay as they are
	 */
	async renew(jwks: readonly ScheduledJwk[]): Promise<boolean> {
		const next = keysAt(jwks, this.#clock());
		if (printOf(next) === this.#now.print) return false;
		this.#now = await open(this.#issuer, next);
		return true;
	}

	/** The set of this moment: the same object until something changes. */
	snapshot(): IssuerKeys {
		return this.#now.keys;
	}

	get privateJwks(): IssuerKeys['privateJwks'] {
		return this.#now.keys.privateJwks;
	}
	get publicJwks(): IssuerKeys['publicJwks'] {
		return this.#now.keys.publicJwks;
	}
	get reportSigner(): IssuerKeys['reportSigner'] {
		return this.#now.keys.reportSigner;
	}
	signClaims(claims: Readonly<Record<string, unknown>>): Promise<string> {
		return this.#now.keys.signClaims(claims);
	}
}

async function open(issuer: string, jwks: readonly ScheduledJwk[]): Promise<{ keys: IssuerKeys; print: string }> {
	return { keys: await openIssuerKeys(issuer, jwks), print: printOf(jwks) };
}

/** Tells sets apart, order included: it decides who signs. Private members are in it, so it is never shown. */
function printOf(jwks: readonly ScheduledJwk[]): string {
	return JSON.stringify(jwks);
}
