/**
 * The request of a timestamp, in its two forms, parsed once into a value that is always valid.
 *
 * An outsider controls every byte. The sizes are limited before parsing (16 KiB of DER, 1 KiB of JSON), and each element is
 * read once, so long OIDs and nonces cost no more than their length.
 */
import { describeProblems } from '@chancery/chassis/describe-problems';
import { DomainError } from '@chancery/chassis/domain-error';
import { fromBase64, fromUtf8 } from '@chancery/core/bytes';
import {
	contextTag,
	DerReader,
	derInteger,
	derNull,
	derOctetString,
	derOid,
	derRaw,
	derSequence,
	TAG_BOOLEAN,
	TAG_INTEGER,
	TAG_OID,
	TAG_SEQUENCE,
} from '@chancery/core/der';
import { FormatError } from '@chancery/core/format-error';
import { MAX_JSON_QUERY_BYTES, MAX_QUERY_BYTES, TIMESTAMP_HASHES, timestampJsonRequest } from '@chancery/wire/tsa';
import { type ImprintHash, imprintHashByName, imprintHashByOid } from './hash-algorithms.ts';

/** A request whose digest is of an allowed algorithm and has its length. */
export interface TimestampQuery {
	readonly hash: ImprintHash;
	readonly digest: Uint8Array;
	/** DER of the MessageImprint. The token repeats the requester's own bytes, NULL parameters or none. */
	readonly imprint: Uint8Array;
	/** Dotted OID of the requested policy; undefined leaves the choice to the authority. */
	readonly policy: string | undefined;
	/** DER of the nonce INTEGER: minimal octets of either sign, because it becomes part of signed DER. Any length. */
	readonly nonce: Uint8Array | undefined;
	/** Whether the token must contain the certificate of the authority. */
	readonly certReq: boolean;
}

const TAG_EXTENSIONS = contextTag(0, true);

/**
 * Parses the DER of a TimeStampReq (RFC 3161 section 2.4.1). Bytes after it are refused, as is any extension.
 * @throws {DomainError} `malformed-query`, `query-too-large`, `unaccepted-hash`, `wrong-digest-length`, `unaccepted-extension`
 */
export function parseTimestampQuery(der: Uint8Array): TimestampQuery {
	if (der.length > MAX_QUERY_BYTES) throw tooLarge(der.length, MAX_QUERY_BYTES);
	return asMalformed(() => {
		const outer = new DerReader(der);
		const query = outer.sequence();
		outer.end();

		const version = query.integerBytes();
		if (version.length !== 1 || version[0] !== 1) throw malformed('the version is not v1(1)');

		const imprint = query.read(TAG_SEQUENCE);
		const { hash, digest } = parseImprint(imprint.value);

		const policy = query.peekTag() === TAG_OID ? query.oid() : undefined;
		// A padded nonce would make a token that strict parsers (OpenSSL, Go) refuse. It is refused and not corrected, because the
		// client compares the nonce in the token with the one that it sent.
		const nonce = query.peekTag() === TAG_INTEGER ? derRaw(TAG_INTEGER, query.integerBytes()) : undefined;
		// DER leaves a FALSE default out, yet some encoders write it.
		const certReq = query.peekTag() === TAG_BOOLEAN && query.boolean();
		const extensions = query.enterOptional(TAG_EXTENSIONS);
		if (extensions) refuseExtensions(extensions);
		query.end();
		return { hash, digest, imprint: imprint.raw, policy, nonce, certReq };
	});
}

/**
 * Parses the JSON form. The nonce is read from the text of the number, so that none of its digits are lost.
 * @throws {DomainError} `malformed-query`, `query-too-large`, `unaccepted-hash`, `wrong-digest-length`
 */
export function parseTimestampJsonQuery(body: Uint8Array): TimestampQuery {
	if (body.length > MAX_JSON_QUERY_BYTES) throw tooLarge(body.length, MAX_JSON_QUERY_BYTES);
	return asMalformed(() => {
		const request = timestampJsonRequest.safeParse(parseWithNumberText(fromUtf8(body)));
		if (!request.success) throw malformed(describeProblems(request.error));
		const { artifactHash, hashAlgorithm, certificates, nonce, tsaPolicyOID } = request.data;

		const hash = imprintHashByName(hashAlgorithm);
		if (!hash) throw weakHash(hashAlgorithm);
		const digest = fromBase64(artifactHash);
		checkDigestLength(hash, digest);
		return {
			hash,
			digest,
			imprint: derSequence(derSequence(derOid(hash.oid), derNull()), derOctetString(digest)),
			policy: tsaPolicyOID === undefined ? undefined : checkDottedOid(tsaPolicyOID),
			nonce: nonce === undefined ? undefined : derInteger(BigInt(nonce)),
			certReq: certificates,
		};
	});
}

function parseImprint(bytes: Uint8Array): { hash: ImprintHash; digest: Uint8Array } {
	const reader = new DerReader(bytes);
	const algorithm = reader.sequence();
	const oid = algorithm.oid();
	const hash = imprintHashByOid(oid);
	if (!hash) throw weakHash(oid);
	// RFC 5754 section 2: parameters absent, or NULL, and both must be accepted.
	if (algorithm.hasMore) algorithm.null();
	algorithm.end();
	const digest = reader.octetString();
	reader.end();
	checkDigestLength(hash, digest);
	return { hash, digest };
}

/** Extensions change what a token says. None is known here, so each would be ignored or misread. */
function refuseExtensions(extensions: DerReader): never {
	throw new DomainError('unaccepted-extension', `unaccepted extension: ${extensions.sequence().oid()}`);
}

/** The DER encoder decides what a valid dotted OID is. Throws FormatError. */
function checkDottedOid(text: string): string {
	derOid(text);
	return text;
}

function checkDigestLength(hash: ImprintHash, digest: Uint8Array): void {
	if (digest.length !== hash.digestBytes)
		throw new DomainError(
			'wrong-digest-length',
			`Message digest has incorrect length for specified algorithm: ${hash.name} has ${hash.digestBytes} bytes, ${digest.length} came`,
		);
}

/** `JSON.parse` that keeps the text of the nonce. */
function parseWithNumberText(text: string): unknown {
	const reviver = (key: string, value: unknown, context?: { source?: string }) =>
		key === 'nonce' && typeof value === 'number' ? (context?.source ?? value) : value;
	try {
		return JSON.parse(text, reviver);
	} catch (error) {
		throw new DomainError('malformed-query', 'Error generating timestamp response: the body is not JSON', {
			cause: error,
		});
	}
}

function asMalformed<T>(parse: () => T): T {
	try {
		return parse();
	} catch (error) {
		if (error instanceof FormatError)
			throw new DomainError('malformed-query', `Error generating timestamp response: ${error.message}`, {
				cause: error,
			});
		throw error;
	}
}

const malformed = (what: string) => new DomainError('malformed-query', `Error generating timestamp response: ${what}`);

const weakHash = (what: string) =>
	new DomainError(
		'unaccepted-hash',
		`Weak hash algorithm in timestamp request: ${what} is not among ${TIMESTAMP_HASHES.join(', ')}`,
	);

const tooLarge = (length: number, limit: number) =>
	new DomainError('query-too-large', `timestamp request is too large: ${length} bytes, ${limit} are allowed`);
