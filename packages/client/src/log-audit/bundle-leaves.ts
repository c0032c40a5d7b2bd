/**
 * The entries of one bundle, as far as they can be parsed. When the bundle is cut off, the result says at which entry, and
 * the entries before it are still audited.
 *
 *     tlog-tiles      each entry after its length as uint16; the entry is the leaf
 *     static-ct-api   TileLeaf: TimestampedEntry, for a precertificate the precertificate, fingerprints of the chain;
 *                     the leaf is a MerkleTreeLeaf (RFC 6962 section 3.4) around the TimestampedEntry
 */
import { encodeMerkleTreeLeaf, type SignedEntry } from '@chancery/core/ct';
import { FormatError } from '@chancery/core/format-error';
import { TlsReader } from '@chancery/core/tls-presentation';

export interface BundleLeaves {
	/** The leaf of each entry. */
	readonly leaves: readonly Uint8Array[];
	/** SHA-256 of the certificates that the entries name; none in tlog-tiles. */
	readonly fingerprints: readonly Uint8Array[];
	/** Why reading stopped early. */
	readonly problem: string | undefined;
}

const X509_ENTRY = 0;
const PRECERT_ENTRY = 1;
const FINGERPRINT_BYTES = 32;

export function readBundle(bytes: Uint8Array): BundleLeaves {
	return readAll(bytes, (reader) => ({ leaf: reader.opaque(2), fingerprints: [] }));
}

export function readDataTile(bytes: Uint8Array): BundleLeaves {
	return readAll(bytes, (reader) => {
		const timestampMs = reader.uint(8);
		const entry = readEntry(reader);
		const extensions = reader.opaque(2);
		if (entry.type === 'precert') reader.opaque(3);
		const chain = new TlsReader(reader.opaque(2));
		const fingerprints: Uint8Array[] = [];
		while (chain.hasMore) fingerprints.push(chain.bytes(FINGERPRINT_BYTES));
		return { leaf: encodeMerkleTreeLeaf({ timestampMs, entry, extensions }), fingerprints };
	});
}

function readEntry(reader: TlsReader): SignedEntry {
	const type = reader.uint(2);
	if (type === X509_ENTRY) return { type: 'x509', certificate: reader.opaque(3) };
	if (type !== PRECERT_ENTRY) throw new FormatError('data tile', `entry type ${type} is not one that we know`);
	return { type: 'precert', issuerKeyHash: reader.bytes(32), tbs: reader.opaque(3) };
}

function readAll(
	bytes: Uint8Array,
	readOne: (reader: TlsReader) => { leaf: Uint8Array; fingerprints: readonly Uint8Array[] },
): BundleLeaves {
	const leaves: Uint8Array[] = [];
	const fingerprints: Uint8Array[] = [];
	const reader = new TlsReader(bytes);
	let problem: string | undefined;
	try {
		while (reader.hasMore) {
			const one = readOne(reader);
			leaves.push(one.leaf);
			fingerprints.push(...one.fingerprints);
		}
	} catch (error) {
		if (!(error instanceof FormatError)) throw error;
		problem = error.message;
	}
	return { leaves, fingerprints, problem };
}
