/** The mark of the audit: whose it is, and whether the database has what was published. */
import { equalBytes, toHex } from '@chancery/core/bytes';
import type { Findings } from '@chancery/core/log-audit/findings';
import type { WatchedSizes } from '@chancery/core/log-audit/tree-audit';
import { sha256 } from '@chancery/core/sha';
import { type LookedAtMark, type Mark, MarkError } from '@chancery/postgres/mark/mark';
import type { LogState } from '../store/publications.ts';
import { checkNote, checkRoot, type HeadRules } from './head-audit.ts';

/** Looks at a mark; undefined when it is missing or cannot be made out, which is a finding. */
export async function readMark(place: LookedAtMark, findings: Findings): Promise<Mark | undefined> {
	try {
		const { mark, where } = await place.inspect();
		if (!mark) findings.add('mark', `is missing from ${where}`);
		return mark;
	} catch (error) {
		if (!(error instanceof MarkError)) throw error;
		findings.add('mark', error.message);
		return undefined;
	}
}

export async function checkMark(
	mark: Mark,
	{ head, published }: LogState,
	roots: WatchedSizes,
	rules: HeadRules & { readonly publicKey: Uint8Array },
	findings: Findings,
): Promise<void> {
	const size = published?.size ?? 0;
	if (!equalBytes(mark.keyId, sha256(rules.publicKey)))
		findings.add('mark', `belongs to the key ${toHex(mark.keyId)} of ${mark.origin}`);
	if (mark.size > size)
		findings.add('mark', `has ${mark.size} entries, the published head ${size}: entries are missing`);
	else checkRoot('mark', mark, head, roots, findings);
	await checkNote('mark', mark, rules, findings);
}
