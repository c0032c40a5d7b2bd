/**
 * The accepted roots as this process knows them, and what it asks of a chain. The table is the truth: another replica may
 * add to it or retire a root at any time, so what is known here is never older than a second when a chain is judged by it.
 */
import type { Clock } from '@chancery/chassis/service';
import { concatBytes, toHex } from '@chancery/core/bytes';
import type { Certificate } from '@chancery/core/certificate';
import { sha256 } from '@chancery/core/sha';
import type { CheckSignature } from '@chancery/keys/checks/signature-checks';
import type { Sql } from '@chancery/postgres/sql';
import { listRoots } from '../store/accepted-roots.ts';
import { checkIssued, parseChain } from './chain.ts';
import { completeChain } from './complete-chain.ts';
import { fingerprintOf, RootSet } from './root-set.ts';

export interface AcceptedRoots {
	/**
	 * Verifies a chain up to an accepted root and returns it complete, root last. `issuers` is DER, what was submitted
	 * above `leaf`.
	 * @throws {DomainError} `malformed-certificate`, `untrusted-chain`; `overloaded` or `unavailable` when a signature was
	 * not checked
	 */
	complete(leaf: Certificate, issuers: readonly Uint8Array[]): Promise<readonly Certificate[]>;
	/** DER of the roots that new chains may lead to. */
	list(): Promise<Uint8Array[]>;
	/** Takes up at once what was just changed in the table. */
	reload(): Promise<void>;
}

/** What is known of the table may be this old; a retirement reaches every replica within this time. */
const MAX_AGE_MS = 1000;

/** Authorities that submit have one issuing chain each, and a few old ones. */
const MAX_KNOWN_TAILS = 64;

/** A chain from the issuer upwards that was verified, and the root that it stands on. */
interface KnownTail {
	readonly chain: readonly Certificate[];
	readonly issuer: Certificate;
	readonly rootFingerprint: string;
}

export function createAcceptedRoots(sql: Sql, clock: Clock, check: CheckSignature): AcceptedRoots {
	let known: { readonly roots: RootSet; readonly readAtMs: number; readonly read: number } | undefined;
	let reads = 0;
	let reading: Promise<RootSet> | undefined;
	// By the hash of what was submitted: every certificate of one authority brings the same issuers, which need no second
	// reading, nor their signatures a second check. Only what was verified gets in here.
	const knownTails = new Map<string, KnownTail>();

	async function read(): Promise<RootSet> {
		const readAtMs = clock();
		const number = ++reads;
		const rows = await listRoots(sql);
		const accepted = rows.filter(({ lastChange }) => lastChange?.change !== 'retired');
		const roots = new RootSet(parseChain(accepted.map(({ certificate }) => certificate)));
		// Reads may overtake each other. One that began earlier may have seen less, such as a root that is retired by now.
		if (known && known.read > number) return known.roots;
		known = { roots, readAtMs, read: number };
		return roots;
	}

	/** As the table has them, or had them a moment ago. Whoever comes while it is being read waits for that. */
	async function current(): Promise<RootSet> {
		if (known && Math.abs(clock() - known.readAtMs) < MAX_AGE_MS) return known.roots;
		reading ??= read().finally(() => {
			reading = undefined;
		});
		return reading;
	}

	async function verifiedTail(roots: RootSet, issuers: readonly Uint8Array[]): Promise<KnownTail> {
		const key = toHex(sha256(concatBytes(...issuers)));
		const tail = knownTails.get(key);
		if (tail && roots.has(tail.rootFingerprint)) return tail;
		const chain = await completeChain(roots, parseChain(issuers, 1), 1, check);
		const [first] = chain;
		const root = chain.at(-1);
		if (!first || !root) throw new Error('a completed chain has no certificates');
		const verified = { chain, issuer: first, rootFingerprint: fingerprintOf(root) };
		const oldest = knownTails.size >= MAX_KNOWN_TAILS ? knownTails.keys().next().value : undefined;
		if (oldest !== undefined) knownTails.delete(oldest);
		knownTails.set(key, verified);
		return verified;
	}

	return {
		async complete(leaf, issuers) {
			const roots = await current();
			if (issuers.length === 0) return completeChain(roots, [leaf], 0, check);
			const tail = await verifiedTail(roots, issuers);
			await checkIssued(leaf, tail.issuer, 0, check);
			return [leaf, ...tail.chain];
		},
		list: async () => (await current()).ders(),
		async reload() {
			// One that is under way may have begun before the change.
			await reading?.catch(() => undefined);
			await read();
		},
	};
}
