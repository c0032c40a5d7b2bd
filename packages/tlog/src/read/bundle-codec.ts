/**
 * How the entries of one bundle are written: the parameter in which the two tile APIs differ. Hash tiles are the same.
 */
import { encodeBundle } from '@chancery/core/tile';
import type { StoredEntry } from '../entry.ts';
import { encodeStaticCtTile } from './static-ct.ts';

export interface BundleCodec {
	/** The longest leaf a bundle can carry, in bytes. */
	readonly maxLeafBytes: number;
	/** Bytes of a bundle of 1 to 256 consecutive entries. */
	encode(entries: readonly StoredEntry[]): Uint8Array;
}

/** By the name in the log's row. */
export const BUNDLE_CODECS: Readonly<Record<'tlog-tiles' | 'static-ct', BundleCodec>> = {
	/** https://c2sp.org/tlog-tiles: each leaf behind its length as uint16. */
	'tlog-tiles': { maxLeafBytes: 0xffff, encode: (entries) => encodeBundle(entries.map((entry) => entry.leaf)) },
	/** https://c2sp.org/static-ct-api: TileLeaf structures; a certificate's length is a uint24. */
	'static-ct': { maxLeafBytes: 0xffffff, encode: encodeStaticCtTile },
};
