/**
 * From a verified chain to what the log stores: the signed entry (RFC 6962 section 3.1), its identity, and the extra data that get-entries hands out beside it.
 */
import { DomainError } from '@chancery/chassis/domain-error';
import { concatBytes, equalBytes } from '@chancery/core/bytes';
import { type Certificate, extendedKeyUsage } from '@chancery/core/certificate';
import { encodePrecertExtraData, encodeX509ExtraData, type SignedEntry } from '@chancery/core/ct';
import { issuerKeyHash, POISON_OID, tbsWithoutPoison } from '@chancery/core/precertificate';
import { sha256 } from '@chancery/core/sha';

/** Which endpoint a chain came to, and so which kind of entry it becomes. */
export type EntryType = 'x509' | 'precert';

export interface ChainEntry {
	readonly entry: SignedEntry;
	/** 32 bytes that two submissions share exactly when they are the same entry. */
	readonly identity: Uint8Array;
	/** extra_data of get-entries (section 4.6): what the tree does not commit to. */
	readonly extra: Uint8Array;
}

const ASN1_NULL = Uint8Array.of(0x05, 0x00);
const ENTRY_TYPE_X509 = 0;
const ENTRY_TYPE_PRECERT = 1;
const PRECERT_SIGNING_OID = '1.3.6.1.4.1.11129.2.4.4';

/**
 * Checks that the first certificate belongs to its endpoint: a precertificate carries the poison extension, critical and
 * NULL; a certificate does not carry it. That it stands only once is the parser's rule.
 * @throws {DomainError} `wrong-endpoint`, `malformed-poison`
 */
export function checkEntryType(type: EntryType, leaf: Certificate): void {
	const poison = leaf.extension(POISON_OID);
	if (type === 'x509') {
		if (poison)
			throw new DomainError('wrong-endpoint', 'a precertificate came to add-chain: submit it to add-pre-chain');
		return;
	}
	if (!poison)
		throw new DomainError(
			'wrong-endpoint',
			'a certificate without poison extension came to add-pre-chain: submit it to add-chain',
		);
	if (!poison.critical || !equalBytes(poison.value, ASN1_NULL))
		throw new DomainError('malformed-poison', 'the poison extension is not critical with the value NULL');
}

/**
 * Builds the entry of a chain that was verified up to its root. The dedicated precertificate signing certificates of
 * section 3.1 are not taken: nothing in Sigstore uses them.
 * @throws {DomainError} `unsupported-precert-issuer`, `untrusted-chain`
 */
export function entryOfChain(type: EntryType, chain: readonly Certificate[]): ChainEntry {
	const [leaf, issuer] = chain;
	if (!leaf) throw new DomainError('untrusted-chain', 'the chain is empty');
	const issuers = chain.slice(1).map((certificate) => certificate.der);
	if (type === 'x509') {
		const entry: SignedEntry = { type: 'x509', certificate: leaf.der };
		return {
			entry,
			identity: sha256(concatBytes(Uint8Array.of(0, ENTRY_TYPE_X509), leaf.der)),
			extra: encodeX509ExtraData(issuers),
		};
	}
	// A root cannot be a precertificate: its issuer, whose key the entry names, must be another certificate.
	if (!issuer) throw new DomainError('untrusted-chain', 'the precertificate has no issuer in its chain');
	if (extendedKeyUsage(issuer).includes(PRECERT_SIGNING_OID))
		throw new DomainError(
			'unsupported-precert-issuer',
			'precertificate signing certificates are not accepted: sign the precertificate with the key of the final certificate',
		);
	const keyHash = issuerKeyHash(issuer);
	const tbs = tbsWithoutPoison(leaf);
	return {
		entry: { type: 'precert', issuerKeyHash: keyHash, tbs },
		identity: sha256(concatBytes(Uint8Array.of(0, ENTRY_TYPE_PRECERT), keyHash, tbs)),
		extra: encodePrecertExtraData(leaf.der, issuers),
	};
}
