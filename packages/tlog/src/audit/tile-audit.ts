/** The tiles of the audit: those that are stored, and the partial ones that are made of columns beside other rows. */
import { equalBytes, toHex } from '@chancery/core/bytes';
import type { Findings } from '@chancery/core/log-audit/findings';
import type { AuditedTree, TileBytes } from '@chancery/core/log-audit/tree-audit';
import { type Hash, rootOf } from '@chancery/core/merkle';
import { TILE_WIDTH } from '@chancery/core/tile';
import type { Sql } from '@chancery/postgres/sql';
import { readTileRoots, readTileRow } from '../store/audit-rows.ts';
import type { LogTables } from '../store/log-tables.ts';
import { auditBundle, type BundleLeaves, checkColumns, type EntryRules } from './entry-audit.ts';
import { readable } from './readable.ts';

/** The stored tree as `auditTree` asks for it, a bundle at a time; each entry is checked on the way. */
export function storedTree(sql: Sql, tables: LogTables, rules: EntryRules, findings: Findings): AuditedTree {
	/** Of the bundles under way. */
	const underWay = new Map<number, Promise<BundleLeaves>>();
	const tileName = (level: number, index: number, width: number) =>
		width < TILE_WIDTH ? `right edge at tile level ${level}` : `tile/${level}/${index}`;

	return {
		tileName,
		async leafHashes(index, width) {
			const reading = auditBundle({ sql, tables }, { index, width }, rules, findings);
			underWay.set(index, reading);
			return (await reading).computed;
		},
		async tile(level, index, width): Promise<TileBytes> {
			const name = tileName(level, index, width);
			const bytes =
				(await readable(findings, name, () =>
					width < TILE_WIDTH
						? readEdge({ sql, tables, level, index, width, leaves: underWay })
						: readFullTile({ sql, tables, level, index }, name, findings),
				)) ?? 'unknown';
			if (level !== 0) return bytes;
			const leaves = await underWay.get(index);
			underWay.delete(index);
			if (leaves && width === TILE_WIDTH && bytes instanceof Uint8Array) checkColumns(leaves, index, bytes, findings);
			return bytes;
		},
	};
}

interface TilePlace {
	readonly sql: Sql;
	readonly tables: LogTables;
	readonly level: number;
	readonly index: number;
}

async function readFullTile(
	{ sql, tables, level, index }: TilePlace,
	name: string,
	findings: Findings,
): Promise<TileBytes> {
	const row = await readTileRow(sql, tables, level, index);
	if (!row) return 'missing';
	const made = rootOf(Array.from({ length: TILE_WIDTH }, (_, i) => row.hashes.subarray(i * 32, i * 32 + 32)));
	// When the hashes themselves were changed, the tree above says so.
	const above = await readTileRow(sql, tables, level + 1, Math.floor(index / TILE_WIDTH));
	const offset = (index % TILE_WIDTH) * 32;
	const isTrue = !above || equalBytes(above.hashes.subarray(offset, offset + 32), made);
	if (isTrue && above && !equalBytes(row.root, made))
		findings.add(name, `its column root is ${toHex(row.root)}, its hashes make ${toHex(made)}`);
	return row.hashes;
}

/** Partial tiles are not stored: they are made of these columns. */
async function readEdge(
	at: TilePlace & { readonly width: number; readonly leaves: ReadonlyMap<number, Promise<BundleLeaves>> },
): Promise<TileBytes> {
	const { sql, tables, level, index, width } = at;
	const begin = index * TILE_WIDTH;
	if (level > 0) {
		// One that is not there has been reported as a missing tile.
		const range = { level: level - 1, begin, end: begin + width };
		return (await readTileRoots(sql, tables, range)) ?? 'unknown';
	}
	const columns = (await at.leaves.get(index))?.columns ?? [];
	return columns.length < width || columns.includes(undefined)
		? 'unknown'
		: new Uint8Array(Buffer.concat(columns as Hash[]));
}
