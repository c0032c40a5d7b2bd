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
import { checkLinks, completeChain, fingerprintOf, parseChain } from './chain.ts';

export interface AcceptedRoots {
	/**
	 * Verifies a chain up to an accepted root and answers it complete, root last.
	 * @throws DomainError `untrusted-chain`
	 */
	complete(chain: readonly Certificate[]): Promise<readonly Certificate[]>;
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
	// brings the same issuers, whose signatures need no second check.
	const knownTails = new Map<string, readonly Certificate[]>();

	async function reread(): Promise<boolean> {
		const now = clock();
		if (Math.abs(now - readAtMs) < REREAD_AFTER_MS) return false;
		for (const root of parseChain(await listAcceptedRoots(sql))) roots.set(fingerprintOf(root), root);
		readAtMs = now;
		return true;
	}

	async function completeTail(tail: readonly Certificate[]): Promise<readonly Certificate[]> {
		const attempt = () => completeChain(tail, [...roots.values()]);
		const complete = attempt() ?? ((await reread()) ? attempt() : undefined);
		if (complete) return complete;
		const last = tail.at(-1);
		throw new DomainError(
			'untrusted-chain',
			`the chain ends in ${last ? nameToString(last.subject) : 'nothing'}, which is neither an accepted root nor issued by one (${roots.size} roots are accepted)`,
		);
	}

	return {
		async complete(chain) {
			const [leaf, ...tail] = chain;
			if (!leaf || tail.length === 0) return completeTail(chain);
			const key = toHex(sha256(concatBytes(...tail.map((certificate) => certificate.der))));
			let known = knownTails.get(key);
			if (!known) {
				known = await completeTail(tail);
				const oldest = knownTails.size >= MAX_KNOWN_TAILS ? knownTails.keys().next().value : undefined;
				if (oldest !== undefined) knownTails.delete(oldest);
				knownTails.set(key, known);
			}
			const complete = [leaf, ...known];
			checkLinks(complete.slice(0, 2));
			return complete;
		},
		list: () => listAcceptedRoots(sql),
		add: (root) => void roots.set(fingerprintOf(root), root),
	};
}
