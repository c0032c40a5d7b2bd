/**
 * Consistency between two trees of the v1 log.
 */
import { DomainError } from '@chancery/chassis/domain-error';
import type { Hash } from '@chancery/core/merkle';
import { checkConsistency, ProofError } from '@chancery/core/proof';
import { askEngine } from './engine-errors.ts';
import type { SignatureLogV1 } from './signature-log.ts';

export interface GrowthQuery {
	readonly firstSize: number;
	readonly lastSize: number;
	/** Decimal; absent means the active tree. */
	readonly treeId: string | undefined;
}

export interface GrowthProof {
	/** Root of the newest published tree. That of `lastSize` follows from a checkpoint that the client has. */
	readonly newestRoot: Hash;
	readonly proof: readonly Hash[];
}

/** The proof that the tree of `lastSize` continues the one of `firstSize`, checked. @throws {DomainError} */
export async function proveGrowth(v1: SignatureLogV1, query: GrowthQuery): Promise<GrowthProof> {
	const { firstSize, lastSize, treeId } = query;
	requireTree(v1, treeId);
	if (firstSize > lastSize)
		throw new DomainError('invalid-range', `firstSize(${firstSize}) must be less than lastSize(${lastSize})`);
	return askEngine(async () => {
		const { size, root } = await v1.log.published();
		if (lastSize > size) {
			throw new DomainError(
				'invalid-range',
				`the tree size requested(${lastSize}) was greater than what is currently observable(${size})`,
			);
		}
		const [proof, firstRoot, secondRoot] = await Promise.all([
			v1.log.consistencyProof(firstSize, lastSize),
			v1.log.rootAt(firstSize),
			v1.log.rootAt(lastSize),
		]);
		try {
			checkConsistency({ first: firstSize, second: lastSize, firstRoot, secondRoot, proof });
		} catch (cause) {
			if (!(cause instanceof ProofError)) throw cause;
			throw new DomainError('proof-failed', `the proof from ${firstSize} to ${lastSize} does not verify`, { cause });
		}
		return { newestRoot: root, proof };
	});
}

/** @throws {DomainError} `unknown-tree` unless `treeId` is absent or names the log's tree */
export function requireTree(v1: SignatureLogV1, treeId: string | undefined): void {
	if (treeId !== undefined && treeId !== v1.treeId)
		throw new DomainError('unknown-tree', `there is no tree ${treeId}; the tree of this log is ${v1.treeId}`);
}
