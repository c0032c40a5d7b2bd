/**
 * From a submitted chain to the accepted root that it leads to. The order is that of trust: first the root that the chain
 * claims, then the links below it, one at a time, each under a key that the one before has vouched for.
 */
import { DomainError } from '@chancery/chassis/domain-error';
import { type Certificate, nameToString } from '@chancery/core/certificate';
import type { CheckSignature } from '@chancery/keys/checks/signature-checks';
import { checkNames, checkSignaturesDown, isIssuedBy } from './chain.ts';
import { fingerprintOf, type RootSet } from './root-set.ts';

/**
 * Follows a chain from an accepted root down to its first certificate; the root is appended when it was left out.
 * @param first place of the first certificate in what was submitted
 * @throws {DomainError} `untrusted-chain`, `overloaded`, `unavailable`
 */
export async function completeChain(
	roots: RootSet,
	chain: readonly Certificate[],
	first: number,
	check: CheckSignature,
): Promise<readonly Certificate[]> {
	// What fails without a key fails before one is used.
	checkNames(chain, first);
	const last = chain.at(-1);
	if (!last) throw new DomainError('untrusted-chain', 'the chain is empty');
	if (roots.has(fingerprintOf(last))) {
		await checkSignaturesDown(chain, first, check);
		return chain;
	}
	for (const root of roots.named(last.issuer)) {
		if (!(await isIssuedBy(last, root, check))) continue;
		await checkSignaturesDown(chain, first, check);
		return [...chain, root];
	}
	throw new DomainError(
		'untrusted-chain',
		`the chain ends in ${nameToString(last.subject)}, which is neither an accepted root nor issued by one (${roots.size} roots are accepted)`,
	);
}
