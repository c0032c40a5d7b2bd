/** A leaf stands in an entry bundle behind its length as uint16 (https://c2sp.org/tlog-tiles). */
export const MAX_LEAF_BYTES = 65_535;
