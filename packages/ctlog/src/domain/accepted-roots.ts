/**
 * The accepted roots as this process knows them. The table is the truth; another replica may add to it at any time, so a
 * chain that leads nowhere is looked up there once more before it is refused. Roots are never taken away, which is why
 * nothing that was found to be trusted has to be forgotten.
 */
import { DomainError } from '@chancery/chassis/domain-error';
import type { Clock } from '@chancery/chassis/service';
import { concatBytes, toHex } from '@chancery/core/bytes';
import { type Certificate, nameToString } from '@chancery/core/certificate';
import { sha256 } from '@chancery/core/sha';
import type { Sql } from '@chancery/postgres/sql';
import { listAcceptedRoots } from '../store/accepted-roots.ts';
import { checkIssued, completeChain, fingerprintOf, type Issuer, issuerOf, parseChain } from './chain.ts';

export interface AcceptedRoots {
	/**
	 * Verifies a chain up to an accepted root and answers it complete, root last. `issuers` is DER, what was submitted
	 * above `leaf`.
	 * @throws DomainError `malformed-certificate`, `untrusted-chain`
	 */
	complete(leaf: Certificate, issuers: readonly Uint8Array[]): Promise<readonly Certificate[]>;
	/** DER of all accepted roots, as the table has them now. */
	list(): Promise<Uint8Array[]>;
	/** Takes up a root that was just written to the table. */
	add(root: Certificate): void;
}

/** Strangers can send chains that lead nowhere; the table is asked again at most this often because of them. */
const REREAD_AFTER_MS = 1000;

/** Authorities that submit have one issuing chain each, and a few old ones. */
const MAX_KNOWN_TAILS = 64;

export function createAcceptedRoots(sql: Sql, clock: Clock): AcceptedRoots {
	// By fingerprint. Only ever added to, so that answers of the table that overtake each other do no harm.
	const roots = new Map<string, Certificate>();
	let readAtMs = Number.NEGATIVE_INFINITY;
	// Completed chains from the issuer upwards, by the hash of what was submitted: every certificate of one authority
	// brings the same issuers, which need no second reading, nor their signatures a second check.
	const knownTails = new Map<string, { readonly chain: readonly Certificate[]; readonly issuer: Issuer }>();

	async function reread(): Promise<boolean> {
		const now = clock();
		if (Math.abs(now - readAtMs) < REREAD_AFTER_MS) return false;
		for (const root of parseChain(await listAcceptedRoots(sql))) roots.set(fingerprintOf(root), root);
		readAtMs = now;
		return true;
	}

	async function completeTail(tail: readonly Certificate[], first: number): Promise<readonly Certificate[]> {
		const attempt = () => completeChain(tail, [...roots.values()], first);
		const complete = attempt() ?? ((await reread()) ? attempt() : undefined);
		if (complete) return complete;
		const last = tail.at(-1);
		throw new DomainError(
			'untrusted-chain',
			`the chain ends in ${last ? nameToString(last.subject) : 'nothing'}, which is neither an accepted root nor issued by one (${roots.size} roots are accepted)`,
		);
	}

	return {
		async complete(leaf, issuers) {
			if (issuers.length === 0) return completeTail([leaf], 0);
			const key = toHex(sha256(concatBytes(...issuers)));
			let known = knownTails.get(key);
			if (!known) {
				const chain = await completeTail(parseChain(issuers, 1), 1);
				const [first] = chain;
				if (!first) throw new Error('a completed chain has no certificates');
				known = { chain, issuer: issuerOf(first) };
				const oldest = knownTails.size >= MAX_KNOWN_TAILS ? knownTails.keys().next().value : undefined;
				if (oldest !== undefined) knownTails.delete(oldest);
				knownTails.set(key, known);
			}
			checkIssued(leaf, known.issuer, 0);
			return [leaf, ...known.chain];
		},
		list: () => listAcceptedRoots(sql),
		add: (root) => void roots.set(fingerprintOf(root), root),
	};
}
