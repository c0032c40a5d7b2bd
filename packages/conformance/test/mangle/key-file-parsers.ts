/** Operators' files: private keys, the chains of authorities, the pair of a TLS listener, roots to trust, issuer keys. */
import { createPublicKey, sign, verify, type webcrypto, X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSecureContext, getCACertificates, setDefaultCACertificates } from 'node:tls';
import { ChainError, openIssuingChain } from '@chancery/ca/tested/issuing-chain';
import { ConfigError } from '@chancery/chassis/config/config';
import { Secret } from '@chancery/chassis/config/secret';
import { checkTlsPair } from '@chancery/chassis/tls/tls-pair';
import { equalBytes, utf8 } from '@chancery/core/bytes';
import { type Certificate, parseCertificate } from '@chancery/core/certificate';
import { parsePem } from '@chancery/core/pem';
import { readSigningJwks } from '@chancery/identity/config';
import { openIssuerKeys, SigningKeyError } from '@chancery/identity/tested/issuer-keys';
import { openFileKey } from '@chancery/keys/file/file-key';
import { KeyError, type KeyErrorCode } from '@chancery/keys/key-error';
import { spkiOfFound } from '@chancery/keys/pkcs11/pkcs11-public-key';
import type { Signer } from '@chancery/keys/signer';
import { TlsTrustError, trustAuthorityFile } from '@chancery/net/tls-authorities';
import { AuthorityError, openAuthority } from '@chancery/tsa/tested/authority';
import {
	anyOf,
	complaint,
	formatError,
	type ParserUnderTest,
	parser,
	sameBytes,
	sameText,
	textOf,
} from './parser-under-test.ts';
import { seed, seedText } from './seeds.ts';

const PASSPHRASE = 'mangled';
const MESSAGE = utf8('signed to be verified');
const PEM_BLOCK = /-----BEGIN (?:TRUSTED )?CERTIFICATE-----[\s\S]*?-----END (?:TRUSTED )?CERTIFICATE-----/g;
/** Seconds of a case go into these: OpenSSL reads keys and signs, or the operating system writes files. */
const SHARE = 0.2;

const folder = mkdtempSync(join(tmpdir(), 'chancery-mangle-'));
process.once('exit', () => rmSync(folder, { recursive: true, force: true }));

const tlsFiles = { certificateFile: 'certificate.pem', keyFile: 'key.pem' };
const tlsPair = { certificate: seedText('tls certificate'), key: seedText('key P-256') };
const tlsLeaf = new X509Certificate(tlsPair.certificate);
const tlsTimeMs = tlsLeaf.validFromDate.getTime() + 1000;
const atTls = (input: Partial<typeof tlsPair>, passphrase?: string) =>
	checkTlsPair(
		{ ...tlsFiles, passphrase: passphrase === undefined ? undefined : new Secret(passphrase) },
		{ ...tlsPair, ...input },
		tlsTimeMs,
	);

const isConfigError = (error: unknown) => error instanceof ConfigError;

export const KEY_FILE_PARSERS: readonly ParserUnderTest[] = [
	keyFile('key file', [seed('key P-256'), seed('key Ed25519')], undefined, [
		'malformed',
		'not-encrypted',
		'key-mismatch',
	]),
	keyFile('encrypted key file', [seed('key encrypted by PBKDF2'), seed('key encrypted by scrypt')], PASSPHRASE, [
		'malformed',
		'not-encrypted',
		'passphrase-wrong',
		'key-mismatch',
	]),
	parser({
		name: 'public key in a token',
		seeds: [
			Uint8Array.of(0x04, 65, ...pointOf('key P-256')),
			pointOf('key P-256'),
			parsePem(seedText('tls certificate'))[0]?.der ?? '',
		],
		refusals: formatError,
		parse: (input) =>
			input[0] === 0x30
				? spkiOfFound('P-256', { from: 'certificate', der: input })
				: spkiOfFound('P-256', { from: 'point', point: input }),
		check: (spki, input) => {
			if (input[0] === 0x30) return sameBytes(parseCertificate(input).publicKey, spki);
			const point = spki.subarray(-65);
			return input.length === 65 ? sameBytes(point, input) : sameBytes(Uint8Array.of(0x04, 65, ...point), input);
		},
	}),
	chain(
		'issuing chain',
		seed('root certificates'),
		(chainPem, signer) => openIssuingChain(chainPem, signer).certificates,
	),
	chain(
		'chain of a timestamp authority',
		seed('tsa chain'),
		(chainPem, signer) => openAuthority({ chainPem, signer }).chain,
	),
	parser({
		name: 'certificate of a TLS listener',
		seeds: [tlsPair.certificate, `${tlsPair.certificate}${seedText('tsa chain')}`],
		share: SHARE,
		refusals: isConfigError,
		parse: (input) => atTls({ certificate: textOf(input) }),
		// What OpenSSL would show to clients is what was looked at.
		check: ({ context, leaf, notAfter }) =>
			complaint(
				sameBytes(shownBy(context), leaf.raw),
				sameBytes(spkiOf(leaf), spkiOf(tlsLeaf)),
				!(notAfter.getTime() > tlsTimeMs) && 'it has expired',
			),
	}),
	parser({
		name: 'key of a TLS listener',
		seeds: [tlsPair.key],
		share: SHARE,
		refusals: isConfigError,
		parse: (input) => atTls({ key: textOf(input) }),
		check: ({ context }) => signsFor(context.key as string, tlsLeaf.publicKey),
	}),
	parser({
		name: 'encrypted key of a TLS listener',
		seeds: [seed('key encrypted by PBKDF2'), seed('key encrypted by scrypt')],
		share: SHARE,
		refusals: isConfigError,
		parse: (input) => atTls({ key: textOf(input) }, PASSPHRASE),
		check: ({ context }) => signsFor(context.key as string, tlsLeaf.publicKey),
	}),
	parser({
		name: 'roots of SSL_CERT_FILE',
		seeds: [seed('tsa chain'), seed('trusted certificate'), `text before\n${seedText('root certificates')}`],
		share: SHARE,
		refusals: (error) => error instanceof TlsTrustError,
		parse: (input) => {
			const path = join(folder, 'roots.pem');
			writeFileSync(path, input);
			// The runtime's own roots would be parsed again in each case.
			setDefaultCACertificates([]);
			trustAuthorityFile(path, 'SSL_CERT_FILE');
			return getCACertificates('default');
		},
		check: (trusted, input) => {
			const named = (textOf(input).match(PEM_BLOCK) ?? []).map((pem) => new X509Certificate(pem).fingerprint512);
			const found = trusted.map((pem) => new X509Certificate(pem).fingerprint512);
			return sameText([...found].sort().join(), [...new Set(named)].sort().join());
		},
	}),
	parser({
		name: 'keys of the identity service',
		seeds: [seed('signing jwks')],
		share: 0.1,
		refusals: anyOf(isConfigError, (error) => error instanceof SigningKeyError),
		parse: async (input) => {
			const { auth, ci } = readSigningJwks(new Secret(textOf(input)));
			return { auth: await openIssuerKeys('https://id.example/auth', auth), size: auth.length + ci.length };
		},
		check: async ({ auth }) => {
			const [header = '', payload = '', signature = ''] = (await auth.signClaims({ sub: 'x' })).split('.');
			const { kid } = JSON.parse(Buffer.from(header, 'base64url').toString()) as { kid: string };
			const jwk = auth.publicJwks.find((one) => one.kid === kid);
			if (!jwk) return 'the key that signs is not published';
			const key = createPublicKey({ key: { ...jwk } as webcrypto.JsonWebKey, format: 'jwk' });
			const isSigned = verify('sha256', utf8(`${header}.${payload}`), key, Buffer.from(signature, 'base64url'));
			const isReportSigned =
				!auth.reportSigner ||
				verify('sha256', MESSAGE, derKey(auth.reportSigner.publicKey), await auth.reportSigner.sign(MESSAGE));
			return complaint(
				auth.publicJwks.some((one) => ['d', 'p', 'q', 'dp', 'dq', 'qi'].some((name) => name in one)) &&
					'a private member is published',
				!isSigned && 'its tokens do not verify with the published key',
				!isReportSigned && 'its reports do not verify with their key',
			);
		},
	}),
];

function keyFile(
	name: string,
	seeds: readonly Uint8Array[],
	passphrase: string | undefined,
	codes: readonly KeyErrorCode[],
): ParserUnderTest {
	const path = join(folder, `${name}.pem`);
	const expected: readonly KeyErrorCode[] = [...codes, 'unsupported-algorithm', 'passphrase-missing'];
	return parser({
		name,
		seeds,
		share: SHARE,
		refusals: (error) => error instanceof KeyError && expected.includes(error.code),
		parse: async (input) => {
			writeFileSync(path, input, { mode: 0o600 });
			return openFileKey(path, passphrase === undefined ? {} : { passphrase });
		},
		check: async (signer) => {
			const digest = { 'ecdsa-sha2-256-nistp256': 'sha256', 'ecdsa-sha2-384-nistp384': 'sha384', ed25519: null };
			return verify(digest[signer.algorithm], MESSAGE, derKey(signer.publicKey), await signer.sign(MESSAGE))
				? undefined
				: 'what it signs does not verify with its public key';
		},
	});
}

/** What is accepted are certificates of which each is signed by the next, as OpenSSL sees it, for the key of the seed. */
function chain(
	name: string,
	pem: Uint8Array,
	open: (pem: string, signer: Signer) => readonly Certificate[],
): ParserUnderTest {
	const leaf = parseCertificate(parsePem(textOf(pem))[0]?.der ?? new Uint8Array());
	const signer: Signer = {
		algorithm: 'ecdsa-sha2-256-nistp256',
		publicKey: leaf.publicKey,
		sign: () => Promise.reject(new Error('nothing is signed while a chain is opened')),
	};
	return parser({
		name,
		seeds: [pem],
		share: SHARE,
		refusals: anyOf(formatError, (error) => error instanceof ChainError || error instanceof AuthorityError),
		parse: (input) => open(textOf(input), signer),
		check: (certificates) => {
			const seen = certificates.map(({ der }) => new X509Certificate(der));
			return complaint(
				!equalBytes(certificates[0]?.publicKey ?? new Uint8Array(), leaf.publicKey) && 'it begins with another key',
				!seen.every((one, i) => one.verify((seen[i + 1] ?? one).publicKey)) && 'a signature is not by the next key',
			);
		},
	});
}

/** DER of the certificate that a server with this context shows. */
function shownBy(context: Parameters<typeof createSecureContext>[0]): Uint8Array {
	const { context: native } = createSecureContext(context) as unknown as { context: { getCertificate(): Buffer } };
	return native.getCertificate();
}

function signsFor(key: string, publicKey: ReturnType<typeof createPublicKey>): string | undefined {
	return verify('sha256', MESSAGE, publicKey, sign('sha256', MESSAGE, key))
		? undefined
		: 'what the key signs does not verify with the certificate';
}

function derKey(spki: Uint8Array) {
	return createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' });
}

function spkiOf(certificate: X509Certificate): Uint8Array {
	return certificate.publicKey.export({ type: 'spki', format: 'der' });
}

function pointOf(name: string): Uint8Array {
	return new Uint8Array(createPublicKey(seedText(name)).export({ type: 'spki', format: 'der' }).subarray(-65));
}
