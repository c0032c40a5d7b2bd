/**
 * What verifies an entry: a public key, bare or in a certificate, as both wires bring it. A certificate is parsed and
 * not judged: neither trust nor validity is the log's business, only that it can be searched and read later.
 */
import { fromHex, fromUtf8, utf8 } from '@chancery/core/bytes';
import { type Certificate, parseCertificate, type SubjectAltName, subjectAltNames } from '@chancery/core/certificate';
import { FormatError } from '@chancery/core/format-error';
import { readFulcioExtensions } from '@chancery/core/fulcio-extensions';
import { encodePem, type PemBlock, parsePem } from '@chancery/core/pem';
import { type PublicKeyInfo, parseSpki } from '@chancery/core/spki';
import type { CertificateChain } from './check-signature.ts';
import { EntryRefusal, invalidEntry } from './entry-refusal.ts';
import { MAX_LEAF_BYTES } from './leaf-size.ts';

export interface VerifierKey {
	/** DER of the SubjectPublicKeyInfo. */
	readonly spki: Uint8Array;
	readonly info: PublicKeyInfo;
	/** Subject alternative names of the certificate; empty for a bare key. */
	readonly identities: readonly string[];
	/** Issuer of the OIDC token behind the certificate, when it says so. */
	readonly oidcIssuer?: string;
}

/** A verifier as a v1 entry stores it. */
export interface PemVerifier {
	readonly key: VerifierKey;
	/** UTF-8 of the PEM written again: 64 columns, line feeds, no headers, one final newline. */
	readonly canonicalPem: Uint8Array;
	/** Set when the PEM is a chain; its signatures are not verified here, because that is work to be queued. */
	readonly chain?: CertificateChain;
}

/** Longer than any address or workflow URI; what is longer is there to make searching fail. */
const MAX_IDENTITY_BYTES = 2_048;

/** A chain in an entry, leaf and root included. */
const MAX_CHAIN_CERTIFICATES = 10;

/**
 * Reads the PEM of a v1 entry: one `PUBLIC KEY`, one `CERTIFICATE`, or a certificate chain from leaf to root.
 * @throws {EntryRefusal} `invalid-entry`, `entry-too-large`
 */
export function parsePemVerifier(pem: Uint8Array): PemVerifier {
	return orInvalid('the public key', () => {
		requireFitsEntry(pem);
		const blocks = parsePem(fromUtf8(pem));
		const canonicalPem = utf8(blocks.map((block) => encodePem(block.label, block.der)).join(''));
		const [first] = blocks as [PemBlock, ...PemBlock[]];
		if (first.label === 'PUBLIC KEY') {
			if (blocks.length > 1) throw new FormatError('PEM', 'more than one block after a public key');
			return { key: keyFromSpki(first.der), canonicalPem };
		}
		const chain = parseChain(blocks);
		const key = keyFromCertificate(chain[0]);
		return chain.length === 1 ? { key, canonicalPem } : { key, canonicalPem, chain };
	});
}

function parseChain(blocks: readonly PemBlock[]): CertificateChain {
	for (const { label } of blocks) {
		if (label !== 'CERTIFICATE') throw new FormatError('PEM', `expected PUBLIC KEY or CERTIFICATE and found ${label}`);
	}
	if (blocks.length > MAX_CHAIN_CERTIFICATES)
		throw new FormatError('PEM', `${blocks.length} certificates; ${MAX_CHAIN_CERTIFICATES} is the limit`);
	return blocks.map((block) => parseCertificate(block.der)) as [Certificate, ...Certificate[]];
}

/** Reads DER of a SubjectPublicKeyInfo. @throws {EntryRefusal} `invalid-entry` */
export function parseSpkiVerifier(der: Uint8Array): VerifierKey {
	return orInvalid('the public key', () => keyFromSpki(der));
}

/** Reads DER of a certificate. @throws {EntryRefusal} `invalid-entry`, `entry-too-large` */
export function parseCertificateVerifier(der: Uint8Array): VerifierKey {
	return orInvalid('the certificate', () => {
		requireFitsEntry(der);
		return keyFromCertificate(parseCertificate(der));
	});
}

/** What no entry has room for is refused before it is read: certificates that are full of names are slow to read. */
function requireFitsEntry({ length }: Uint8Array): void {
	if (length > MAX_LEAF_BYTES)
		throw new EntryRefusal(
			'entry-too-large',
			`the public key or certificate has ${length} bytes; ${MAX_LEAF_BYTES} is the limit of a whole entry in this log`,
		);
}

function keyFromSpki(spki: Uint8Array): VerifierKey {
	return { spki, info: parseSpki(spki), identities: [] };
}

function keyFromCertificate(certificate: Certificate): VerifierKey {
	const oidcIssuer = readOidcIssuer(certificate);
	return {
		spki: certificate.publicKey,
		info: parseSpki(certificate.publicKey),
		identities: subjectAltNames(certificate).map(identityOf),
		...(oidcIssuer === undefined ? {} : { oidcIssuer }),
	};
}

/**
 * A name as people write it: IP addresses dotted or with colons, not as their bytes.
 * @throws {FormatError} for a name that cannot be shown and searched for as it stands
 */
function identityOf({ type, value }: SubjectAltName): string {
	const length = utf8(value).length;
	if (length > MAX_IDENTITY_BYTES)
		throw new FormatError('subject alternative name', `${length} bytes; ${MAX_IDENTITY_BYTES} is the limit`);
	// In C it ends there: `admin\0.attacker` would be found as one name and shown as another.
	if (value.includes('\0')) throw new FormatError('subject alternative name', 'NUL in a name');
	if (type !== 'ip') return value;
	const bytes = fromHex(value);
	if (bytes.length === 4) return bytes.join('.');
	if (bytes.length !== 16) return value;
	const groups = value.match(/.{4}/g) ?? [];
	// The platform's URL writer knows the canonical form (RFC 5952).
	return new URL(`http://[${groups.join(':')}]/`).hostname.slice(1, -1);
}

/** Certificates of other issuers may hold anything under these identifiers; that is no reason to refuse their entries. */
function readOidcIssuer(certificate: Certificate): string | undefined {
	try {
		const { issuer, issuerV2 } = readFulcioExtensions(certificate);
		return issuerV2 ?? issuer;
	} catch (error) {
		if (error instanceof FormatError) return undefined;
		throw error;
	}
}

function orInvalid<T>(what: string, parse: () => T): T {
	try {
		return parse();
	} catch (cause) {
		if (!(cause instanceof FormatError)) throw cause;
		throw invalidEntry(`${what} cannot be read: ${cause.message}`, cause);
	}
}
