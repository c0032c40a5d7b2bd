/**
 * Audits a tile log with its public resources only, as anybody can: signed checkpoint, bundles, tiles of every level. For a
 * static CT log, also the certificates that its entries name.
 * https://c2sp.org/tlog-tiles, https://c2sp.org/static-ct-api
 */
import { equalBytes, fromHex, toHex } from '@chancery/core/bytes';
import { FormatError } from '@chancery/core/format-error';
import { type AuditReport, Findings } from '@chancery/core/log-audit/findings';
import { type AuditedTree, auditTree } from '@chancery/core/log-audit/tree-audit';
import { HASH_LENGTH, hashLeaf } from '@chancery/core/merkle';
import { sha256 } from '@chancery/core/sha';
import { TILE_WIDTH, type TileName, tilePath } from '@chancery/core/tile';
import { type BundleLeaves, readBundle, readDataTile } from './bundle-leaves.ts';
import { type LogKey, openCheckpoint, type SignedCheckpoint } from './log-key.ts';
import type { ReadObject } from './object-readers.ts';

export interface TileLogAudit {
	readonly read: ReadObject;
	readonly key: LogKey;
	/** First line that the checkpoint must have; undefined: the name in a verifier key, else any. */
	readonly origin?: string | undefined;
	/** Number of entries audited, number of entries in all. */
	readonly onProgress?: (entries: number, size: number) => void;
}

/** Certificates, each fetched once; a log has few authorities. */
const MAX_ISSUERS = 100_000;

/**
 * Recomputes everything from the entries to the signed root.
 * @throws {ClientError} `log-unreadable` when the log does not answer; wrong answers are in the report
 */
export async function auditTileLog({ read, key, origin, onProgress }: TileLogAudit): Promise<AuditReport> {
	const findings = new Findings();
	const checkpoint = await readCheckpoint(read, key, origin, findings);
	if (!checkpoint)
		return { origin: origin ?? key.named?.name ?? '', size: undefined, root: undefined, ...close(findings) };
	const { size, root } = checkpoint;
	const issuers = new Set<string>();
	await auditTree(treeOf(read, checkpoint, findings, issuers), {
		size,
		root,
		claimant: 'the checkpoint',
		findings,
		onProgress: (entries) => onProgress?.(entries, size),
	});
	for (const issuer of issuers) await auditIssuer(read, issuer, findings);
	return { origin: checkpoint.origin, size, root: toHex(root), ...close(findings) };
}

async function readCheckpoint(
	read: ReadObject,
	key: LogKey,
	origin: string | undefined,
	findings: Findings,
): Promise<SignedCheckpoint | undefined> {
	const note = await read('checkpoint');
	if (!note) {
		findings.add('checkpoint', 'is missing');
		return undefined;
	}
	try {
		return await openCheckpoint(note, key, origin);
	} catch (error) {
		if (!(error instanceof FormatError)) throw error;
		findings.add('checkpoint', error.message);
		return undefined;
	}
}

function treeOf(read: ReadObject, checkpoint: SignedCheckpoint, findings: Findings, issuers: Set<string>): AuditedTree {
	const pathOf = (tile: TileName) =>
		checkpoint.isStaticCt ? tilePath(tile).replace(/^tile\/entries\//, 'tile/data/') : tilePath(tile);
	/** The partial tile of this tree, or the full tile that a larger log has instead. */
	const readTile = async (tile: TileName): Promise<Uint8Array | undefined> => {
		const found = await read(pathOf(tile));
		return found || tile.width === TILE_WIDTH ? found : read(pathOf({ ...tile, width: TILE_WIDTH }));
	};
	return {
		async leafHashes(index, width) {
			const tile = { level: 'entries', index, width } as const;
			const name = pathOf(tile);
			const bytes = await readTile(tile);
			if (!bytes) findings.add(name, 'is missing');
			const bundle = bytes ? (checkpoint.isStaticCt ? readDataTile : readBundle)(bytes) : undefined;
			if (bundle) checkBundle(bundle, name, { first: index * TILE_WIDTH, width }, findings);
			for (const fingerprint of bundle?.fingerprints ?? [])
				if (issuers.size < MAX_ISSUERS) issuers.add(toHex(fingerprint));
			return Array.from({ length: width }, (_, i) => bundle?.leaves[i] && hashLeaf(bundle.leaves[i]));
		},
		async tile(level, index, width) {
			const bytes = await readTile({ level, index, width });
			if (!bytes) return 'missing';
			// The full tile begins with the content of the partial one.
			return bytes.length === TILE_WIDTH * HASH_LENGTH ? bytes.subarray(0, width * HASH_LENGTH) : bytes;
		},
		tileName: (level, index, width) => tilePath({ level, index, width }),
	};
}

function checkBundle(
	{ leaves, problem }: BundleLeaves,
	name: string,
	{ first, width }: { first: number; width: number },
	findings: Findings,
): void {
	if (problem) findings.add(name, `cannot be read from entry ${first + leaves.length} on: ${problem}`);
	else if (leaves.length < width)
		findings.add(
			name,
			`holds ${leaves.length} entries, the tree has ${width} there: ${first + leaves.length} is missing`,
		);
	else if (leaves.length > width && leaves.length !== TILE_WIDTH)
		findings.add(name, `holds ${leaves.length} entries, expected are ${width}`);
}

async function auditIssuer(read: ReadObject, fingerprint: string, findings: Findings): Promise<void> {
	const name = `issuer/${fingerprint}`;
	const certificate = await read(name);
	if (!certificate) findings.add(name, 'is missing, and entries name it');
	else if (!equalBytes(sha256(certificate), fromHex(fingerprint)))
		findings.add(name, `holds something with SHA-256 ${toHex(sha256(certificate))}`);
}

function close(findings: Findings): { findings: AuditReport['findings']; count: number } {
	return { findings: findings.kept, count: findings.count };
}
