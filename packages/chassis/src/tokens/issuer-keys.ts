/**
 * The signing keys of one issuer, kept and renewed.
 *
 * Whoever holds no valid token can still make this process ask the issuer for keys, by naming it, or an unknown `kid`.
 * So there is one attempt at a time, ended after `ATTEMPT_TIMEOUT_MS` whatever hangs; no attempt within a time of the
 * last one, which grows while the issuer fails; and few requests wait, and briefly. A token whose key is known is
 * never kept waiting by an issuer that does not answer.
 */

import type { Transport } from '@chancery/net/transport';
import type { CryptoKey, FlattenedJWSInput, JWSHeaderParameters } from 'jose';
import { within } from '../http/within.ts';
import { fetchKeySet, type KeySet } from './key-set.ts';
import type { KeyWaiters } from './key-waiters.ts';
import { quote, refuseToken } from './token-errors.ts';

/** Keys in use are renewed after this time, long before they are too old. */
const RENEW_AFTER_MS = 5 * 60_000;
/** A key that the issuer withdrew stops being accepted after this time, while the issuer answers. */
const MAX_AGE_MS = 10 * 60_000;
/** How long the last known keys still serve while the issuer does not answer. */
const MAX_STALE_MS = 60 * 60_000;
/** After a success: no token makes us ask again sooner. */
const MIN_REFRESH_INTERVAL_MS = 10_000;
/** After a failure, doubled by each further one; a provider that starts together with us should not cost ten seconds. */
const FIRST_RETRY_MS = 1_000;
const MAX_RETRY_MS = 30_000;

/** For discovery document and key set together, from the look-up of the name to the last byte. */
const ATTEMPT_TIMEOUT_MS = 5_000;
/** A request waits for an attempt this long and then gives its place to others; the attempt goes on. */
const MAX_WAIT_MS = 2_000;
/** The same for a token whose key is known and too old to be taken without asking, as after a standstill. */
const MAX_WAIT_WITH_OLD_KEY_MS = 1_000;

interface IssuerKeysDeps {
	readonly transport: Transport;
	/** Unix milliseconds. */
	readonly clock: () => number;
}

export interface Candidates {
	/** The algorithms that the issuer signs with, as far as we know them too. */
	readonly algorithms: readonly string[];
	/** The keys that may have signed the token: none when no key fits, several when the token names no `kid`. */
	readonly keys: readonly CryptoKey[];
}

/** Keys of an issuer, wherever they come from. */
export interface KeysOfIssuer {
	/** What is known without asking anyone; for health. */
	state(): { ok: boolean; detail: string };
	/** Begins to renew keys that tokens still ask for. Waits for nothing. */
	renew(): void;
	/**
	 * The keys that may have signed a token with this protected header, which came from `address`.
	 * @throws {DomainError} `issuer-unavailable` or `token-key-unknown`
	 */
	candidates(header: JWSHeaderParameters, token: FlattenedJWSInput, address: string): Promise<Candidates>;
}

/** Keys of the configuration: nobody is asked, and no token waits. */
export function fixedKeys(set: KeySet): KeysOfIssuer {
	return {
		state: () => ({ ok: true, detail: 'keys of the configuration' }),
		renew: () => undefined,
		candidates: (header, token) => candidatesOf(set, header, token),
	};
}

/** Keys that the issuer publishes. */
export class IssuerKeys implements KeysOfIssuer {
	readonly #issuer: string;
	readonly #deps: IssuerKeysDeps;
	readonly #waiters: KeyWaiters;
	#known: { readonly set: KeySet; readonly loadedAtMs: number } | undefined;
	#attempt: Promise<void> | undefined;
	#endedAtMs: number | undefined;
	#askedForAtMs: number | undefined;
	/** Attempts that failed since the last one that did not. */
	#failures = 0;
	#failure: unknown;

	constructor(issuer: string, deps: IssuerKeysDeps, waiters: KeyWaiters) {
		this.#issuer = issuer;
		this.#deps = deps;
		this.#waiters = waiters;
	}

	state(): { ok: boolean; detail: string } {
		const failed = this.#failures === 0 ? '' : '; the last attempt to fetch them failed';
		if (this.#known) return { ok: failed === '', detail: `keys known${failed}` };
		return { ok: failed === '', detail: failed === '' ? 'not asked yet' : 'keys not known; the last attempt failed' };
	}

	renew(): void {
		if (!this.#usable() || this.#since(this.#askedForAtMs) > MAX_STALE_MS) return;
		if (this.#since(this.#known?.loadedAtMs) > RENEW_AFTER_MS && this.#pauseLeftMs() === 0) void this.#ask();
	}

	async candidates(header: JWSHeaderParameters, token: FlattenedJWSInput, address: string): Promise<Candidates> {
		this.#askedForAtMs = this.#deps.clock();
		this.renew();
		const known = this.#usable();
		const found = known && (await candidatesOf(known, header, token));
		if (found && (found.keys.length > 0 || !found.algorithms.includes(header.alg ?? ''))) {
			if (!this.#isOverdue()) return found;
			// Only an issuer that was not asked in time, because this process stood still. A failure leaves the old keys in use.
			await this.#wait(address, MAX_WAIT_WITH_OLD_KEY_MS);
			return this.#known && this.#known.set !== known ? candidatesOf(this.#known.set, header, token) : found;
		}

		// Nothing of this token can be checked. Within the pause nobody is asked, whatever strangers name; and since the issuer
		// may have changed its keys after it was asked, only a token that comes after the pause is told that it has no such key.
		const pauseMs = this.#pauseLeftMs();
		if (pauseMs > 0 && this.#failures > 0) throw this.#unavailable('the issuer failed', pauseMs);
		if (pauseMs > 0 && found) throw unknownKey(header.kid, pauseMs);
		const waited = await this.#wait(address, MAX_WAIT_MS);
		if (waited === 'no place') throw this.#unavailable('too many requests wait for the issuer', FIRST_RETRY_MS);
		if (waited === 'too late') throw this.#unavailable('the issuer takes too long', MAX_WAIT_MS);
		const now = this.#usable();
		if (!now || this.#failures > 0) throw this.#unavailable('the issuer failed', this.#pauseLeftMs());
		return candidatesOf(now, header, token);
	}

	#unavailable(what: string, retryAfterMs: number): Error {
		return refuseToken('issuer-unavailable', 'the keys of its issuer cannot be fetched now; try again', {
			// The reason names our network and stays in the log.
			cause: new Error(`${what}: ${this.#issuer}`, { cause: this.#failure }),
			retryAfterSeconds: inSeconds(retryAfterMs),
		});
	}

	#usable(): KeySet | undefined {
		return this.#known && this.#since(this.#known.loadedAtMs) <= MAX_STALE_MS ? this.#known.set : undefined;
	}

	#isOverdue(): boolean {
		return this.#since(this.#known?.loadedAtMs) > MAX_AGE_MS && this.#failures === 0;
	}

	/** How long no new attempt may begin. An attempt that is under way may be joined: it costs the issuer nothing more. */
	#pauseLeftMs(): number {
		if (this.#attempt) return 0;
		const pauseMs =
			this.#failures > 0 ? Math.min(FIRST_RETRY_MS * 2 ** (this.#failures - 1), MAX_RETRY_MS) : MIN_REFRESH_INTERVAL_MS;
		return Math.max(0, pauseMs - this.#since(this.#endedAtMs));
	}

	/** Time that has passed. A clock that was set back must not make anything last for ever. */
	#since(momentMs: number | undefined): number {
		return momentMs === undefined ? Number.POSITIVE_INFINITY : Math.abs(this.#deps.clock() - momentMs);
	}

	/** Begins or joins an attempt, also for who may not wait for it: the next request finds its outcome. */
	async #wait(address: string, maxWaitMs: number): Promise<'over' | 'too late' | 'no place'> {
		const isFailing = this.#failures > 0;
		const attempt = this.#ask();
		const leave = this.#waiters.enter(this.#issuer, isFailing, address);
		if (!leave) return 'no place';
		try {
			await within(maxWaitMs, attempt, () => new Error('too late'));
			return 'over';
		} catch {
			return 'too late';
		} finally {
			leave();
		}
	}

	/** Never rejects: a failure is kept, and whoever needs keys finds out that there are none. */
	#ask(): Promise<void> {
		this.#attempt ??= this.#load().finally(() => {
			this.#attempt = undefined;
			this.#endedAtMs = this.#deps.clock();
		});
		return this.#attempt;
	}

	async #load(): Promise<void> {
		const over = new AbortController();
		try {
			// The signal ends what listens to it. The rest, such as a name server that hangs, is no longer waited for.
			const asked = fetchKeySet(this.#issuer, this.#deps.transport, over.signal);
			const set = await within(ATTEMPT_TIMEOUT_MS, asked, () => new Error(`no keys after ${ATTEMPT_TIMEOUT_MS} ms`));
			this.#known = { set, loadedAtMs: this.#deps.clock() };
			this.#failures = 0;
			this.#failure = undefined;
		} catch (error) {
			this.#failures++;
			this.#failure = error;
		} finally {
			over.abort();
		}
	}
}

async function candidatesOf(set: KeySet, header: JWSHeaderParameters, token: FlattenedJWSInput): Promise<Candidates> {
	return { algorithms: set.algorithms, keys: await set.find(header, token) };
}

/** The issuer may have begun to use this key since it was asked, or somebody has made the name up. */
function unknownKey(kid: string | undefined, retryAfterMs: number): Error {
	const retryAfterSeconds = inSeconds(retryAfterMs);
	return refuseToken(
		'token-key-unknown',
		`the issuer had no key ${quote(kid ?? '(none named)')} a moment ago, and may be asked again in ${retryAfterSeconds} s; try again`,
		{ retryAfterSeconds },
	);
}

function inSeconds(ms: number): number {
	return Math.max(1, Math.ceil(ms / 1000));
}
