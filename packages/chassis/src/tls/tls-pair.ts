/**
 * The certificate and key of a listener, read from their files and checked together. What would only show when the
 * first client comes (a key of another certificate, one that has expired) is refused here, in words for the operator.
 */
import { constants as constantsOfTls, createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { constants, type FileHandle, open } from 'node:fs/promises';
import { createSecureContext, type SecureContextOptions } from 'node:tls';
import { parseOpensslTime } from '@chancery/core/calendar-time';
import { FormatError } from '@chancery/core/format-error';
import { parsePem } from '@chancery/core/pem';
import { checkDerivation } from '@chancery/keys/file/encrypted-pkcs8';
import { openToOthers } from '@chancery/keys/file/key-file-mode';
import { halvesAgree } from '@chancery/keys/file/key-halves';
import { ConfigError } from '../config/config.ts';
import type { TlsFiles } from '../config/tls-section.ts';

/** What the two files hold. */
export interface TlsFileContents {
	readonly certificate: string;
	readonly key: string;
	/** Authorities of clients; undefined: clients are not asked for a certificate. */
	readonly clientAuthorities?: string;
}

export interface TlsPair {
	readonly contents: TlsFileContents;
	/** What the server shows, and the lowest it agrees to. */
	readonly context: SecureContextOptions;
	/** Of the listener's own certificate: who it is, and until when clients accept it. */
	readonly leaf: X509Certificate;
	readonly notAfter: Date;
	/** Whether clients must show a certificate. */
	readonly asksClients: boolean;
}

const MAX_FILE_BYTES = 256 * 1024;

/**
 * Forward secrecy and authenticated encryption only; every client of the last ten years has one of them. The suites of
 * TLS 1.3 are all like this.
 */
const CIPHERS = [
	'TLS_AES_256_GCM_SHA384',
	'TLS_CHACHA20_POLY1305_SHA256',
	'TLS_AES_128_GCM_SHA256',
	'ECDHE-ECDSA-AES128-GCM-SHA256',
	'ECDHE-RSA-AES128-GCM-SHA256',
	'ECDHE-ECDSA-AES256-GCM-SHA384',
	'ECDHE-RSA-AES256-GCM-SHA384',
	'ECDHE-ECDSA-CHACHA20-POLY1305',
	'ECDHE-RSA-CHACHA20-POLY1305',
].join(':');

/**
 * Reads both files and checks what they say at `nowMs`.
 * @throws {ConfigError} naming the file, what is wrong with it, and what to do
 */
export async function openTlsPair(files: TlsFiles, nowMs: number): Promise<TlsPair> {
	return checkTlsPair(files, await readTlsFiles(files), nowMs);
}

/** @throws {ConfigError} when a file cannot be read, or is a key that others may read */
export async function readTlsFiles({ certificateFile, keyFile, clientCaFile }: TlsFiles): Promise<TlsFileContents> {
	return {
		certificate: await readBounded(certificateFile, 'certificate'),
		key: await readBounded(keyFile, 'key'),
		...(clientCaFile === undefined ? {} : { clientAuthorities: await readBounded(clientCaFile, 'certificate') }),
	};
}

/** @throws {ConfigError} */
export function checkTlsPair(files: TlsFiles, contents: TlsFileContents, nowMs: number): TlsPair {
	const { certificateFile, keyFile } = files;
	const chain = readChain(certificateFile, contents.certificate);
	const key = readKey(files, contents.key);
	const leaf = chain[0] as X509Certificate;
	if (!leaf.checkPrivateKey(key)) {
		const place = chain.findIndex((certificate) => certificate.checkPrivateKey(key));
		throw new ConfigError(
			place < 0
				? `the key in ${keyFile} does not belong to the certificate in ${certificateFile}; name the two files of one pair`
				: `the key in ${keyFile} belongs to certificate ${place + 1} of ${certificateFile}; put that one first, then its intermediates`,
		);
	}
	// The certificate is compared with the public half, as every server does; clients see what the private one signs.
	if (!halvesAgree(key))
		throw new ConfigError(`the key in ${keyFile} is damaged: its private half does not sign for its public one`);
	const { notBefore, notAfter } = readValidity(certificateFile, leaf);
	if (nowMs > notAfter.getTime())
		throw new ConfigError(
			`the certificate in ${certificateFile} expired on ${notAfter.toISOString()}; renew it, or look at the clock`,
		);
	if (nowMs < notBefore.getTime())
		throw new ConfigError(
			`the certificate in ${certificateFile} is only valid from ${notBefore.toISOString()} on; wait, or look at the clock`,
		);
	const clientAuthorities = readClientAuthorities(files, contents, nowMs);
	const context: SecureContextOptions = {
		cert: contents.certificate,
		key: key.export({ type: 'pkcs8', format: 'pem' }),
		minVersion: 'TLSv1.2',
		ciphers: CIPHERS,
		// A resumed session would keep the verdict about its certificate, which may have ended or been taken away since.
		...(clientAuthorities ? { ca: clientAuthorities, secureOptions: constantsOfTls.SSL_OP_NO_TICKET } : {}),
	};
	try {
		createSecureContext(context);
	} catch (cause) {
		const reason = cause instanceof Error ? cause.message : String(cause);
		throw new ConfigError(
			`TLS cannot use the pair in ${certificateFile} and ${keyFile} (${reason}); use a key of today's strength`,
			{ cause },
		);
	}
	return { contents, context, leaf, notAfter, asksClients: clientAuthorities !== undefined };
}

/** In the clear, because an end or a key usage that lets nobody in would only show when somebody needs to get in. */
function readClientAuthorities(
	{ clientCaFile }: TlsFiles,
	{ clientAuthorities }: TlsFileContents,
	nowMs: number,
): string[] | undefined {
	if (clientCaFile === undefined || clientAuthorities === undefined) return undefined;
	const authorities = readChain(clientCaFile, clientAuthorities);
	for (const authority of authorities)
		if (!authority.ca)
			throw new ConfigError(
				`${clientCaFile} holds a certificate that is no authority's (${authority.subject}); name the authority that issues to clients`,
			);
	if (authorities.every((authority) => readValidity(clientCaFile, authority).notAfter.getTime() < nowMs))
		throw new ConfigError(`every authority in ${clientCaFile} has expired: no client could connect; renew it`);
	return authorities.map((authority) => authority.toString());
}

function readChain(path: string, pem: string): readonly X509Certificate[] {
	try {
		const blocks = parsePem(pem);
		if (blocks.some(({ label }) => label !== 'CERTIFICATE'))
			throw new ConfigError(`${path} holds more than certificates; keep the private key in a file of its own`);
		return blocks.map(({ der }) => new X509Certificate(der));
	} catch (cause) {
		if (cause instanceof ConfigError) throw cause;
		const reason = cause instanceof FormatError ? cause.message : 'a block is no X.509 certificate';
		throw new ConfigError(`${path} holds no PEM certificate chain that can be read (${reason})`, { cause });
	}
}

function readKey({ keyFile, passphrase }: TlsFiles, pem: string): KeyObject {
	const isPkcs8Encrypted = pem.includes('ENCRYPTED PRIVATE KEY');
	const isEncrypted = isPkcs8Encrypted || pem.includes('Proc-Type: 4,ENCRYPTED');
	if (isEncrypted && !passphrase)
		throw new ConfigError(
			`${keyFile} is encrypted, and nothing says where its passphrase is (tls.passphrase, or --tls-key-passphrase)`,
		);
	// As with signing keys: whoever set a passphrase believes that the file is protected.
	if (!isEncrypted && passphrase)
		throw new ConfigError(`${keyFile} is not encrypted, and a passphrase is configured; encrypt it, or take that out`);
	try {
		// What OpenSSL might read and we cannot is refused: it could make the process work for hours.
		for (const { label, der } of isPkcs8Encrypted ? parsePem(pem) : [])
			if (label === 'ENCRYPTED PRIVATE KEY') checkDerivation(der);
		return createPrivateKey({ key: pem, format: 'pem', ...(passphrase ? { passphrase: passphrase.reveal() } : {}) });
	} catch (cause) {
		if (cause instanceof FormatError)
			throw new ConfigError(`${keyFile} holds no PEM private key that can be read (${cause.message})`, { cause });
		throw new ConfigError(
			passphrase
				? `${keyFile} does not open with the passphrase given`
				: `${keyFile} holds no PEM private key that can be read`,
			{ cause },
		);
	}
}

/** Mode and content are taken from one open file, so that nothing can be exchanged between the look and the read. */
async function readBounded(path: string, what: 'certificate' | 'key'): Promise<string> {
	let file: FileHandle | undefined;
	try {
		file = await open(path, constants.O_RDONLY);
		const stats = await file.stat();
		if (!stats.isFile()) throw new ConfigError(`${path} is not a file`);
		if (stats.size > MAX_FILE_BYTES) throw new ConfigError(`${path} is too large for a ${what}`);
		const mode = what === 'key' ? openToOthers(stats) : undefined;
		if (mode !== undefined)
			throw new ConfigError(`${path} has mode ${mode}: others could use the key (chmod 600 ${path})`);
		return await file.readFile('utf8');
	} catch (cause) {
		if (cause instanceof ConfigError) throw cause;
		const code = (cause as NodeJS.ErrnoException).code ?? 'unknown error';
		throw new ConfigError(`the TLS ${what} file ${path} cannot be read (${code})`, { cause });
	} finally {
		await file?.close();
	}
}

/** By their text: of a time that is none, the runtime makes its dates from whatever lies in memory. */
function readValidity(file: string, leaf: X509Certificate): { notBefore: Date; notAfter: Date } {
	try {
		return { notBefore: parseOpensslTime(leaf.validFrom), notAfter: parseOpensslTime(leaf.validTo) };
	} catch (cause) {
		if (!(cause instanceof FormatError)) throw cause;
		throw new ConfigError(`the certificate in ${file} does not say from when until when it is valid`, { cause });
	}
}
