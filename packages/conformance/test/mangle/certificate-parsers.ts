/** Keys, certificates, certification requests, CT structures, signed data and timestamps. */
import { parseCertificationRequest } from '@chancery/ca/tested/certification-request';
import { readRequestedKey } from '@chancery/ca/tested/requested-key';
import { fromBase64, fromBase64Url } from '@chancery/core/bytes';
import {
	authorityKeyId,
	basicConstraints,
	type Certificate,
	extendedKeyUsage,
	keyUsage,
	nameToString,
	parseCertificate,
	subjectAltNames,
	subjectKeyId,
} from '@chancery/core/certificate';
import { parseSignedData } from '@chancery/core/cms';
import {
	encodeDigitallySigned,
	encodeMerkleTreeLeaf,
	encodePrecertExtraData,
	encodeSct,
	encodeSctList,
	encodeX509ExtraData,
	parseDigitallySigned,
	parseMerkleTreeLeaf,
	parsePrecertExtraData,
	parseSct,
	parseSctList,
	parseX509ExtraData,
} from '@chancery/core/ct';
import { DerReader, derBitString, derInteger, derNull, derOctetString, derOid, derSequence } from '@chancery/core/der';
import { FormatError } from '@chancery/core/format-error';
import { readFulcioExtensions } from '@chancery/core/fulcio-extensions';
import { parsePem } from '@chancery/core/pem';
import { SCT_LIST_OID, tbsWithoutSct } from '@chancery/core/precertificate';
import { ecSpki, ed25519Spki, keyDetailsOf, parseSpki } from '@chancery/core/spki';
import {
	encodeTimeStampReq,
	parseTimeStampReq,
	parseTimeStampResp,
	parseTimeStampStatus,
} from '@chancery/core/timestamp';
import { parseChain } from '@chancery/ctlog/tested/chain';
import { parseTimestampJsonQuery, parseTimestampQuery } from '@chancery/tsa/tested/timestamp-query';
import { parseCertificateVerifier, parsePemVerifier, parseSpkiVerifier } from '@chancery/wire/entries/verifier-key';
import {
	complaint,
	domainError,
	entryRefusal,
	formatError,
	type ParserUnderTest,
	parser,
	sameBytes,
	textOf,
} from './parser-under-test.ts';
import { seed, seedJson, seedText } from './seeds.ts';

const [leafPem = ''] = seedJson<{ signedCertificateEmbeddedSct: { chain: { certificates: string[] } } }>(
	'/api/v2/signingCert reply',
).signedCertificateEmbeddedSct.chain.certificates;
const pemDer = (text: string): Uint8Array[] => parsePem(text).map(({ der }) => der);
const CERTIFICATES = [leafPem, seedText('tsa chain'), seedText('root certificates')].flatMap(pemDer);
const [leaf = new Uint8Array()] = CERTIFICATES;
const SPKIS = [
	...CERTIFICATES.map((der) => parseCertificate(der).publicKey),
	...pemDer(seedText('v1 public key')),
	rsaSpki(),
];
const sctList = parseCertificate(leaf).extension(SCT_LIST_OID)?.value ?? new Uint8Array();
const [sct = parseSct(new Uint8Array())] = parseSctList(sctList);
const [entry] = seedJson<{ entries: { leaf_input: string; extra_data: string }[] }>('ct entries').entries;
const leafInput = fromBase64(entry?.leaf_input ?? '');
const extraData = fromBase64(entry?.extra_data ?? '');
const timestampReply = seed('/api/v1/timestamp reply');

export const CERTIFICATE_PARSERS: readonly ParserUnderTest[] = [
	parser({
		name: 'public key',
		seeds: SPKIS,
		refusals: formatError,
		parse: (input) => ({ info: parseSpki(input), input }),
		check: ({ info, input }) => {
			if (info.algorithm === 'ec') return sameBytes(ecSpki(info.curve, info.ecPoint), input);
			if (info.algorithm === 'ed25519') return sameBytes(ed25519Spki(info.ed25519), input);
			if (info.rsaBits > 8192 || info.rsaExponent.length > 4) return `RSA of ${info.rsaBits} bits`;
			return info.rsaModulus.at(-1)! % 2 === 1 && info.rsaExponent.at(-1)! % 2 === 1 ? undefined : 'an even RSA number';
		},
	}),
	parser({
		name: 'name of a public key',
		seeds: SPKIS,
		refusals: formatError,
		parse: (input) => keyDetailsOf(parseSpki(input)),
		check: (name) => (/^PKIX_[A-Z0-9_]+$/.test(name) ? undefined : `the name ${name}`),
	}),
	parser({
		name: 'certificate',
		seeds: CERTIFICATES,
		refusals: formatError,
		parse: parseCertificate,
		check: (certificate, input) =>
			complaint(sameBytes(certificate.der, input), sameBytes(rewrittenCertificate(certificate, input), input)),
	}),
	parser({
		name: 'certificate and its extensions',
		seeds: CERTIFICATES,
		refusals: formatError,
		parse: (input) => everythingIn(parseCertificate(input)),
		check: (text) => (text.length > 0 ? undefined : 'there is nothing in it'),
	}),
	parser({
		name: 'certificate without its SCTs',
		seeds: [leaf],
		refusals: formatError,
		parse: (input) => ({ whole: parseCertificate(input), tbs: tbsWithoutSct(parseCertificate(input)) }),
		check: ({ whole, tbs }) =>
			tbs.length < whole.tbs.length && new DerReader(tbs).read().raw.length === tbs.length
				? undefined
				: 'nothing was taken out',
	}),
	parser({
		name: 'certificate of an entry',
		seeds: CERTIFICATES,
		refusals: entryRefusal('invalid-entry', 'entry-too-large'),
		parse: parseCertificateVerifier,
		check: (key) =>
			key.identities.every((one) => one.isWellFormed() && !one.includes('\0')) ? undefined : 'an odd name',
	}),
	parser({
		name: 'key of an entry',
		seeds: SPKIS,
		refusals: entryRefusal('invalid-entry'),
		parse: parseSpkiVerifier,
		check: (key, input) => sameBytes(key.spki, input),
	}),
	parser({
		name: 'PEM of an entry',
		seeds: [leafPem, seed('tsa chain'), seed('v1 public key')],
		refusals: entryRefusal('invalid-entry', 'entry-too-large'),
		parse: parsePemVerifier,
		check: ({ canonicalPem }) => sameBytes(parsePemVerifier(canonicalPem).canonicalPem, canonicalPem),
	}),
	parser({
		name: 'certificate of a submitted chain',
		seeds: CERTIFICATES,
		refusals: domainError('malformed-certificate'),
		parse: (input) => parseChain([input]),
		check: ([certificate], input) => sameBytes(certificate?.der ?? new Uint8Array(), input),
	}),
	parser({
		name: 'certification request',
		seeds: [seed('csr')],
		refusals: formatError,
		parse: parseCertificationRequest,
		check: ({ info, signature }, input) => {
			const [block] = parsePem(textOf(input));
			const fields = new DerReader(block?.der ?? new Uint8Array()).sequence();
			fields.read();
			return sameBytes(derSequence(info, fields.read().raw, derBitString(signature)), block?.der ?? new Uint8Array());
		},
	}),
	parser({
		name: 'certification request of a signer',
		seeds: [seed('csr')],
		share: 0.5,
		refusals: domainError('csr-malformed', 'key-malformed'),
		parse: (pem) => readRequestedKey({ kind: 'csr', pem }),
		check: ({ spki, csr }) => sameBytes(spki, csr?.publicKey ?? new Uint8Array()),
	}),
	parser({
		name: 'public key of a signer',
		seeds: [...SPKIS, seed('v1 public key')],
		share: 0.5,
		refusals: domainError('key-malformed'),
		parse: (encoded) => readRequestedKey({ kind: 'public-key', encoded, proof: new Uint8Array() }),
		check: ({ spki, publicKey }) =>
			parseSpki(spki).algorithm === publicKey.info.algorithm ? undefined : 'it is another key when it is read again',
	}),
	parser({
		name: 'SCT',
		seeds: [encodeSct(sct)],
		refusals: formatError,
		parse: parseSct,
		check: (value, input) => sameBytes(encodeSct(value), input),
	}),
	parser({
		name: 'SCT list',
		seeds: [sctList, encodeSctList([sct, sct])],
		refusals: formatError,
		parse: parseSctList,
		check: (scts, input) => sameBytes(encodeSctList(scts), input),
	}),
	parser({
		name: 'digitally signed structure',
		seeds: [encodeDigitallySigned(sct.signature)],
		refusals: formatError,
		parse: parseDigitallySigned,
		check: (value, input) =>
			sameBytes(encodeDigitallySigned(value.signature, value.hashAlgorithm, value.signatureAlgorithm), input),
	}),
	parser({
		name: 'Merkle tree leaf of a CT log',
		seeds: [
			leafInput,
			encodeMerkleTreeLeaf({
				timestampMs: 1,
				entry: { type: 'x509', certificate: leaf },
				extensions: new Uint8Array(),
			}),
		],
		refusals: formatError,
		parse: parseMerkleTreeLeaf,
		check: (value, input) => sameBytes(encodeMerkleTreeLeaf(value), input),
	}),
	parser({
		name: 'extra data of a precertificate',
		seeds: [extraData],
		refusals: formatError,
		parse: parsePrecertExtraData,
		check: ({ precertificate, chain }, input) => sameBytes(encodePrecertExtraData(precertificate, chain), input),
	}),
	parser({
		name: 'extra data of a certificate',
		seeds: [encodeX509ExtraData(CERTIFICATES), encodeX509ExtraData([])],
		refusals: formatError,
		parse: parseX509ExtraData,
		check: (chain, input) => sameBytes(encodeX509ExtraData(chain), input),
	}),
	parser({
		name: 'CMS signed data',
		seeds: [parseTimeStampStatus(timestampReply).token ?? new Uint8Array()],
		refusals: formatError,
		parse: parseSignedData,
		check: ({ signer, content }) =>
			new DerReader(signer.signedAttributes).read(0x31).raw.length === signer.signedAttributes.length &&
			content.length >= 0
				? undefined
				: 'the signed attributes are no SET',
	}),
	parser({
		name: 'timestamp response',
		seeds: [timestampReply],
		refusals: formatError,
		parse: parseTimeStampResp,
		check: ({ genTime, accuracyMs = 0, imprint }) =>
			!Number.isNaN(genTime.getTime()) && accuracyMs >= 0 && [32, 48, 64].includes(imprint.digest.length)
				? undefined
				: 'a part is out of its range',
	}),
	parser({
		name: 'timestamp status',
		seeds: [
			timestampReply,
			derSequence(derSequence(Uint8Array.of(2, 1, 2), derSequence(), Uint8Array.of(3, 2, 5, 0x20))),
		],
		refusals: formatError,
		parse: parseTimeStampStatus,
		check: ({ status, token }) =>
			(status === 0 || status === 1) === (token !== undefined) ? undefined : 'status and token contradict each other',
	}),
	parser({
		name: 'timestamp request, read by a client',
		seeds: [seed('/api/v1/timestamp request')],
		refusals: formatError,
		parse: parseTimeStampReq,
		check: (request) =>
			sameBytes(encodeTimeStampReq(parseTimeStampReq(encodeTimeStampReq(request))), encodeTimeStampReq(request)),
	}),
	parser({
		name: 'timestamp request',
		seeds: [seed('/api/v1/timestamp request')],
		refusals: domainError(
			'malformed-query',
			'query-too-large',
			'unaccepted-hash',
			'wrong-digest-length',
			'unaccepted-extension',
		),
		parse: parseTimestampQuery,
		// What the token repeats must stand in the request, octet for octet.
		check: ({ imprint, nonce, hash, digest }, input) =>
			complaint(
				!contains(input, imprint) && 'the imprint is not that of the request',
				nonce !== undefined && !contains(input, nonce) && 'the nonce is not that of the request',
				digest.length !== hash.digestBytes && 'the digest does not have the length of its hash',
			),
	}),
	parser({
		name: 'timestamp request as JSON',
		seeds: [
			`{"artifactHash":"${'A'.repeat(43)}=","hashAlgorithm":"sha256","certificates":true,"nonce":123456789012345678901234567890}`,
			`{"artifactHash":"${'A'.repeat(64)}","hashAlgorithm":"SHA384","tsaPolicyOID":"1.3.6.1.4.1.57264.2"}`,
		],
		refusals: domainError('malformed-query', 'query-too-large', 'unaccepted-hash', 'wrong-digest-length'),
		parse: parseTimestampJsonQuery,
		check: ({ hash, digest, nonce }, input) =>
			complaint(
				digest.length !== hash.digestBytes && 'the digest does not have the length of its hash',
				nonce !== undefined && !textOf(input).includes('"nonce"') && 'a nonce came from nowhere',
			),
	}),
	parser({
		name: 'value of an extension',
		seeds: [sctList, derOctetString(leaf), ...parseCertificate(leaf).extensions.map(({ value }) => value)],
		refusals: formatError,
		// The same value under every identifier that is read; each reader for itself.
		parse: (value) => {
			const certificate = { ...parseCertificate(leaf), extension: (oid: string) => ({ oid, critical: false, value }) };
			return READERS.map((read) => orUndefined(() => read(certificate)));
		},
		check: (values) => (values.length === READERS.length ? undefined : 'a reader is missing'),
	}),
];

const READERS: readonly ((certificate: Certificate) => unknown)[] = [
	subjectAltNames,
	basicConstraints,
	keyUsage,
	extendedKeyUsage,
	subjectKeyId,
	authorityKeyId,
	readFulcioExtensions,
];

function everythingIn(certificate: Certificate): string {
	const names = `${nameToString(certificate.issuer)} ${nameToString(certificate.subject)}`;
	return `${names} ${JSON.stringify(READERS.map((read) => read(certificate)))}`;
}

function orUndefined(read: () => unknown): unknown {
	try {
		return read();
	} catch (error) {
		if (error instanceof FormatError) return undefined;
		throw error;
	}
}

function rewrittenCertificate({ tbs, signature }: Certificate, input: Uint8Array): Uint8Array {
	const fields = new DerReader(input).sequence();
	fields.read();
	return derSequence(tbs, fields.read().raw, derBitString(signature));
}

/** An RSA key: the one that the provider signs tokens with. */
function rsaSpki(): Uint8Array {
	const [key] = seedJson<{ keys: { n: string; e: string }[] }>('jwks').keys;
	const numbers = [key?.n, key?.e].map((number) => derInteger(fromBase64Url(number ?? '')));
	return derSequence(derSequence(derOid('1.2.840.113549.1.1.1'), derNull()), derBitString(derSequence(...numbers)));
}

function contains(whole: Uint8Array, part: Uint8Array): boolean {
	return Buffer.from(whole).includes(Buffer.from(part));
}
