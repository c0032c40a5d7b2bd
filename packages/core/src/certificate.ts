/**
 * X.509 certificates (RFC 5280 section 4.1), taken apart without judging them: no signature is checked here, no date
 * compared, no chain built. Every part keeps its original bytes, so what was signed can be hashed again.
 * The readers at the end open the standard extensions (section 4.2.1); all throw FormatError for malformed bytes.
 */
import { equalBytes, fromUtf8, toHex } from './bytes.ts';
import {
	contextTag,
	type DerElement,
	DerReader,
	elementText,
	requireDer,
	TAG_BOOLEAN,
	TAG_INTEGER,
	TAG_SEQUENCE,
	TAG_UTF8_STRING,
} from './der.ts';
import { FormatError } from './format-error.ts';

/**
 * Honest certificates have a few kilobytes and up to thirty extensions. Both are bounded because reading one costs by its
 * elements, here and in OpenSSL, and whoever submits it chooses how many there are.
 */
const MAX_CERTIFICATE_LENGTH = 128 * 1024;
const MAX_EXTENSIONS = 100;

export interface Extension {
	readonly oid: string;
	readonly critical: boolean;
	/** Content of extnValue: the DER of the extension, or whatever else the issuer put there. */
	readonly value: Uint8Array;
}

export interface Certificate {
	/** The whole certificate. */
	readonly der: Uint8Array;
	/** DER of the TBSCertificate: the signed bytes. */
	readonly tbs: Uint8Array;
	/** 1, 2 or 3. */
	readonly version: number;
	/** Content octets of the serial number: minimal two's complement, big-endian. */
	readonly serial: Uint8Array;
	/** DER of the names; `nameToString` makes them readable. */
	readonly issuer: Uint8Array;
	readonly subject: Uint8Array;
	readonly notBefore: Date;
	readonly notAfter: Date;
	/** DER of the SubjectPublicKeyInfo, for `parseSpki`. */
	readonly publicKey: Uint8Array;
	/** Dotted identifier of the signature algorithm, the same inside and outside of the signed part. */
	readonly signatureAlgorithm: string;
	/** DER of the whole AlgorithmIdentifier, with the parameters. */
	readonly signatureIdentifier: Uint8Array;
	readonly signature: Uint8Array;
	readonly extensions: readonly Extension[];
	/** The extension with this identifier; no two have the same. */
	extension(oid: string): Extension | undefined;
}

/**
 * Reads a certificate of at most 128 KiB and 100 extensions; its parts are views into `der`. Throws FormatError.
 */
export function parseCertificate(der: Uint8Array): Certificate {
	if (der.length > MAX_CERTIFICATE_LENGTH)
		throw new FormatError('certificate', `${der.length} bytes; ${MAX_CERTIFICATE_LENGTH} is the limit`);
	const outer = new DerReader(der);
	const whole = outer.read(TAG_SEQUENCE);
	outer.end();
	// Names and algorithms are kept unread, and a log puts them into what it signs.
	requireDer(whole);
	const fields = new DerReader(whole.value);
	const tbs = fields.read(TAG_SEQUENCE);
	const outerAlgorithm = fields.read(TAG_SEQUENCE);
	const signature = fields.bitString();
	fields.end();

	const body = new DerReader(tbs.value);
	const version = readVersion(body);
	const serial = body.integerBytes();
	const innerAlgorithm = body.read(TAG_SEQUENCE);
	const issuer = body.read(TAG_SEQUENCE);
	const validity = body.sequence();
	const notBefore = validity.time();
	const notAfter = validity.time();
	validity.end();
	const subject = body.read(TAG_SEQUENCE);
	const publicKey = body.read(TAG_SEQUENCE);
	// issuerUniqueID and subjectUniqueID: never used, never written (RFC 5280 section 4.1.2.8).
	body.optional(contextTag(1, false));
	body.optional(contextTag(2, false));
	const extensions = version === 3 ? readExtensions(body) : [];
	body.end();

	// RFC 5280 section 4.1.1.2: the algorithm outside is not signed, so it must repeat the one inside.
	if (!equalBytes(innerAlgorithm.raw, outerAlgorithm.raw))
		throw new FormatError('certificate', 'two signature algorithms');
	return {
		der: whole.raw,
		tbs: tbs.raw,
		version,
		serial,
		issuer: issuer.raw,
		subject: subject.raw,
		notBefore,
		notAfter,
		publicKey: publicKey.raw,
		signatureAlgorithm: new DerReader(innerAlgorithm.value).oid(),
		signatureIdentifier: innerAlgorithm.raw,
		signature,
		extensions,
		extension: (oid) => extensions.find((extension) => extension.oid === oid),
	};
}

function readVersion(body: DerReader): number {
	const explicit = body.optionalContext(0);
	if (!explicit) return 1;
	const version = explicit.smallInteger();
	explicit.end();
	// v1 is the default and DER leaves defaults out.
	if (version !== 1 && version !== 2) throw new FormatError('certificate', 'not a version that exists');
	return version + 1;
}

function readExtensions(body: DerReader): Extension[] {
	const explicit = body.optionalContext(3);
	if (!explicit) return [];
	const list = explicit.sequence();
	explicit.end();
	if (!list.hasMore) throw new FormatError('certificate', 'an empty list of extensions');
	const extensions: Extension[] = [];
	const seen = new Set<string>();
	while (list.hasMore) {
		if (extensions.length === MAX_EXTENSIONS)
			throw new FormatError('certificate', `more than ${MAX_EXTENSIONS} extensions`);
		const extension = readExtension(list.read(TAG_SEQUENCE));
		if (seen.has(extension.oid)) throw new FormatError('certificate', `extension ${extension.oid} stands twice`);
		seen.add(extension.oid);
		extensions.push(extension);
	}
	return extensions;
}

/** Reads one element of Extensions. Throws FormatError. */
export function readExtension(element: DerElement): Extension {
	const fields = new DerReader(element.value);
	const oid = fields.oid();
	// FALSE written out is not DER (the default is left out), but issuers do it, and OpenSSL and Go read it. Nothing is
	// encoded anew from this, so that the bytes keep one reading.
	const critical = fields.peekTag() === TAG_BOOLEAN && fields.boolean();
	const value = fields.octetString();
	fields.end();
	return { oid, critical, value };
}

const NAME_LABELS: Readonly<Record<string, string>> = {
	'2.5.4.3': 'CN',
	'2.5.4.5': 'serialNumber',
	'2.5.4.6': 'C',
	'2.5.4.7': 'L',
	'2.5.4.8': 'ST',
	'2.5.4.10': 'O',
	'2.5.4.11': 'OU',
};

/** One attribute of a distinguished name; `value` is undefined where the string type is one that we do not read. */
export interface NameAttribute {
	readonly oid: string;
	readonly value: string | undefined;
}

/** Attributes of a Name (RFC 5280 section 4.1.2.4) in the order they stand. Throws FormatError. */
export function parseName(der: Uint8Array): NameAttribute[] {
	const outer = new DerReader(der);
	const name = outer.sequence();
	outer.end();
	const attributes: NameAttribute[] = [];
	while (name.hasMore) {
		const relative = name.set();
		while (relative.hasMore) {
			const attribute = relative.sequence();
			const oid = attribute.oid();
			attributes.push({ oid, value: readableText(attribute.read()) });
			attribute.end();
		}
	}
	return attributes;
}

/** A certificate for people: whose it is, and from when until when it is valid (RFC 3339). */
export function describeCertificate({ subject, notBefore, notAfter }: Certificate): {
	subject: string;
	notBefore: string;
	notAfter: string;
} {
	return {
		subject: nameToString(subject),
		notBefore: notBefore.toISOString(),
		notAfter: notAfter.toISOString(),
	};
}

/** A Name for people: `O=example, CN=example-root`. Not for comparing: names are compared by their DER. */
export function nameToString(der: Uint8Array): string {
	return parseName(der)
		.map(({ oid, value }) => `${NAME_LABELS[oid] ?? oid}=${value ?? '(unreadable)'}`)
		.join(', ');
}

function readableText(element: DerElement): string | undefined {
	try {
		return elementText(element);
	} catch (error) {
		if (error instanceof FormatError) return undefined;
		throw error;
	}
}

// The standard extensions (section 4.2.1). Each reader answers undefined, or an empty list, when the extension is absent.

export const OID_SUBJECT_KEY_ID = '2.5.29.14';
export const OID_KEY_USAGE = '2.5.29.15';
export const OID_SUBJECT_ALT_NAME = '2.5.29.17';
export const OID_BASIC_CONSTRAINTS = '2.5.29.19';
export const OID_AUTHORITY_KEY_ID = '2.5.29.35';
export const OID_EXTENDED_KEY_USAGE = '2.5.29.37';

/** Purposes in an extended key usage (RFC 5280 section 4.2.1.12). */
export const EKU_CODE_SIGNING = '1.3.6.1.5.5.7.3.3';
export const EKU_TIME_STAMPING = '1.3.6.1.5.5.7.3.8';

const MAX_NAMES = 1000;
const OTHER_NAME = contextTag(0, true);
const EMAIL = contextTag(1, false);
const DNS = contextTag(2, false);
const URI = contextTag(6, false);
const IP = contextTag(7, false);

export interface SubjectAltName {
	readonly type: 'email' | 'uri' | 'dns' | 'ip' | 'otherName';
	/** The text; for `ip` the address octets in hexadecimal. */
	readonly value: string;
	/** type-id of an otherName. */
	readonly oid?: string;
}

/** Names of the subject, in order; name forms that we do not read (directory names, ...) are left out. */
export function subjectAltNames(certificate: Certificate): SubjectAltName[] {
	const names: SubjectAltName[] = [];
	const list = open(certificate, OID_SUBJECT_ALT_NAME)?.sequence();
	for (let count = 0; list?.hasMore; count++) {
		if (count === MAX_NAMES) throw new FormatError('subject alternative name', `more than ${MAX_NAMES} names`);
		const name = readGeneralName(list.read());
		if (name) names.push(name);
	}
	return names;
}

function readGeneralName(element: DerElement): SubjectAltName | undefined {
	switch (element.tag) {
		case EMAIL:
			return { type: 'email', value: ia5(element.value) };
		case DNS:
			return { type: 'dns', value: ia5(element.value) };
		case URI:
			return { type: 'uri', value: ia5(element.value) };
		case IP:
			return { type: 'ip', value: toHex(element.value) };
		case OTHER_NAME:
			return readOtherName(element.value);
		default:
			return undefined;
	}
}

/** otherName { type-id, [0] EXPLICIT value }; only text values mean anything to us. */
function readOtherName(content: Uint8Array): SubjectAltName | undefined {
	const fields = new DerReader(content);
	const oid = fields.oid();
	const explicit = fields.context(0);
	fields.end();
	const value = explicit.read();
	explicit.end();
	return value.tag === TAG_UTF8_STRING ? { type: 'otherName', oid, value: fromUtf8(value.value) } : undefined;
}

export interface BasicConstraints {
	readonly ca: boolean;
	/** How many CA certificates may follow below this one. */
	readonly pathLength?: number;
}

/** Whether the subject is a CA. Absent means that it is not. */
export function basicConstraints(certificate: Certificate): BasicConstraints | undefined {
	const fields = open(certificate, OID_BASIC_CONSTRAINTS)?.sequence();
	if (!fields) return undefined;
	// CA:FALSE written out is not DER, but so common that readers accept it.
	const ca = fields.peekTag() === TAG_BOOLEAN && fields.boolean();
	const pathLength = fields.peekTag() === TAG_INTEGER ? fields.smallInteger() : undefined;
	fields.end();
	if (pathLength === undefined) return { ca };
	if (pathLength < 0) throw new FormatError('basic constraints', 'a negative path length');
	return { ca, pathLength };
}

/** Bits of KeyUsage in their order (RFC 5280 section 4.2.1.3). */
const KEY_USAGES = [
	'digitalSignature',
	'contentCommitment',
	'keyEncipherment',
	'dataEncipherment',
	'keyAgreement',
	'keyCertSign',
	'cRLSign',
	'encipherOnly',
	'decipherOnly',
] as const;
export type KeyUsage = (typeof KEY_USAGES)[number];

/** What the key may do; undefined when the certificate does not say. */
export function keyUsage(certificate: Certificate): KeyUsage[] | undefined {
	const reader = open(certificate, OID_KEY_USAGE);
	if (!reader) return undefined;
	const bits = reader.namedBits();
	reader.end();
	return bits.map((bit) => {
		const usage = KEY_USAGES[bit];
		if (!usage) throw new FormatError('key usage', `bit ${bit} has no meaning`);
		return usage;
	});
}

/** Purposes of the key as dotted identifiers; empty when the certificate does not say. */
export function extendedKeyUsage(certificate: Certificate): string[] {
	const purposes: string[] = [];
	const list = open(certificate, OID_EXTENDED_KEY_USAGE)?.sequence();
	while (list?.hasMore) purposes.push(list.oid());
	return purposes;
}

/** The identifier that the issuer gave to the subject's key. */
export function subjectKeyId(certificate: Certificate): Uint8Array | undefined {
	const reader = open(certificate, OID_SUBJECT_KEY_ID);
	const id = reader?.octetString();
	reader?.end();
	return id;
}

/** The identifier of the key that signed, when it is given that way (and not by issuer and serial number). */
export function authorityKeyId(certificate: Certificate): Uint8Array | undefined {
	return open(certificate, OID_AUTHORITY_KEY_ID)?.sequence().optional(contextTag(0, false))?.value;
}

function open(certificate: Certificate, oid: string): DerReader | undefined {
	const extension = certificate.extension(oid);
	if (!extension) return undefined;
	// Each of these extensions is exactly one element.
	const whole = new DerReader(extension.value);
	whole.read();
	whole.end();
	return new DerReader(extension.value);
}

function ia5(value: Uint8Array): string {
	const text = fromUtf8(value);
	// biome-ignore lint/suspicious/noControlCharactersInRegex: NUL is what is looked for, it cut names short elsewhere
	if (/[^\u0001-\u007f]/.test(text)) throw new FormatError('subject alternative name', 'not ASCII');
	return text;
}
