/**
 * TLS for a development instance: a private authority, made once, that may vouch for the instance's host name and
 * loopback, and nothing else, and a server certificate that is renewed long before it ends.
 *
 * Keys are made before what they sign, and each certificate file is written whole: a crash leaves what the next start
 * continues. A lost key of the authority makes a new authority, which clients must be given anew.
 */
import { createPublicKey, randomBytes, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SIGNATURE_IDENTIFIERS } from '@chancery/core/algorithm-registry';
import {
	encodeAuthorityKeyId,
	encodeCaExtensions,
	encodeExtension,
	encodeName,
	encodePurpose,
	encodeSignedCertificate,
	encodeSigningUsage,
	encodeSubjectKeyId,
	encodeTbsCertificate,
	newSerialNumber,
	type TbsFields,
} from '@chancery/core/certificate-encoding';
import { derContext, derSequence, ia5Content } from '@chancery/core/der';
import { encodePem } from '@chancery/core/pem';
import { keyIdentifier } from '@chancery/core/spki';
import type { Signer } from '@chancery/keys/signer';
import { writeDurably } from '@chancery/postgres/file-modes';
import { DEFAULT_HOST_NAME } from '../instance/addresses.ts';
import { openOrCreateKey } from './development-keys.ts';

export interface DevelopmentTls {
	/** PEM: server certificate, authority. */
	readonly certificateFile: string;
	readonly keyFile: string;
	/** PEM of the authority: what clients are given. */
	readonly authorityFile: string;
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const AUTHORITY_DAYS = 3650;
/** A new authority means new files at every client: only near the end. */
const AUTHORITY_RENEWAL_DAYS = 365;
const SERVER_DAYS = 90;
const SERVER_RENEWAL_DAYS = SERVER_DAYS / 2;
/** Containers on one machine may be a little behind it. */
const BEGINS_BEFORE_MS = HOUR_MS;

const ORGANIZATION = 'Chancery development';
const OID_SUBJECT_ALT_NAME = '2.5.29.17';
const OID_NAME_CONSTRAINTS = '2.5.29.30';
/** id-kp-serverAuth (RFC 5280 section 4.2.1.12). */
const SERVER_AUTHENTICATION = '1.3.6.1.5.5.7.3.1';

const IPV4_LOOPBACK = Uint8Array.of(127, 0, 0, 1);
const IPV6_LOOPBACK = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1);

/** GeneralName (RFC 5280 section 4.2.1.6): dNSName is [2], iPAddress [7]. */
const dnsName = (name: string) => derContext(2, { constructed: false }, ia5Content(name));
const ipAddress = (octets: Uint8Array) => derContext(7, { constructed: false }, octets);
/** In a constraint an address is followed by its mask (section 4.2.1.10); of these, every bit counts. */
const exactly = (octets: Uint8Array) => ipAddress(Uint8Array.of(...octets, ...octets.map(() => 0xff)));

/**
 * Opens what lies in `folder`, making what is missing, past the middle of its life, or of the future.
 * @param hostName of the instance; the folder belongs to one.
 */
export async function openDevelopmentTls(folder: string, hostName: string, nowMs: number): Promise<DevelopmentTls> {
	const names = [...new Set([hostName, DEFAULT_HOST_NAME])].map(dnsName);
	const tls = {
		certificateFile: join(folder, 'tls-server-chain.pem'),
		keyFile: join(folder, 'tls-server.pem'),
		authorityFile: join(folder, 'tls-ca-certificate.pem'),
	};
	const authoritySigner = await openOrCreateKey(join(folder, 'tls-ca.pem'), 'ecdsa-sha2-256-nistp256');
	const serverSigner = await openOrCreateKey(tls.keyFile, 'ecdsa-sha2-256-nistp256');
	const notBefore = new Date(nowMs - BEGINS_BEFORE_MS);
	const untilDays = (days: number) => new Date(nowMs + days * DAY_MS);
	const authorityName = encodeName(ORGANIZATION, 'Chancery development TLS CA');

	const known = await readCertificate(tls.authorityFile);
	let authority = isGood(known, authoritySigner, nowMs, untilDays(AUTHORITY_RENEWAL_DAYS)) ? known : undefined;
	if (!authority) {
		const pem = await certify(authoritySigner, {
			issuer: authorityName,
			subject: authorityName,
			notBefore,
			notAfter: untilDays(AUTHORITY_DAYS),
			publicKey: authoritySigner.publicKey,
			extensions: [
				...encodeCaExtensions(0),
				encodeExtension(OID_NAME_CONSTRAINTS, true, permitOnly(names)),
				encodeSubjectKeyId(authoritySigner.publicKey),
			],
		});
		await writeDurably(tls.authorityFile, pem, 0o644);
		authority = new X509Certificate(pem);
	}

	const server = await readCertificate(tls.certificateFile);
	if (!isGood(server, serverSigner, nowMs, untilDays(SERVER_RENEWAL_DAYS)) || !server.verify(authority.publicKey)) {
		const pem = await certify(authoritySigner, {
			issuer: authorityName,
			subject: encodeName(ORGANIZATION, hostName),
			notBefore,
			notAfter: untilDays(SERVER_DAYS),
			publicKey: serverSigner.publicKey,
			extensions: [
				encodeSigningUsage(),
				encodePurpose(SERVER_AUTHENTICATION, false),
				encodeExtension(
					OID_SUBJECT_ALT_NAME,
					false,
					derSequence(...names, ipAddress(IPV4_LOOPBACK), ipAddress(IPV6_LOOPBACK)),
				),
				encodeSubjectKeyId(serverSigner.publicKey),
				encodeAuthorityKeyId(keyIdentifier(authoritySigner.publicKey)),
			],
		});
		await writeDurably(tls.certificateFile, pem + authority.toString(), 0o644);
	}
	return tls;
}

/** NameConstraints with permittedSubtrees [0] only: whoever steals the authority's key gains no other name. */
function permitOnly(names: readonly Uint8Array[]): Uint8Array {
	const permitted = [...names, exactly(IPV4_LOOPBACK), exactly(IPV6_LOOPBACK)];
	return derSequence(derContext(0, {}, ...permitted.map((name) => derSequence(name))));
}

async function certify(signer: Signer, fields: Omit<TbsFields, 'serial' | 'signatureIdentifier'>): Promise<string> {
	const signatureIdentifier = SIGNATURE_IDENTIFIERS[signer.algorithm];
	const tbs = encodeTbsCertificate({ ...fields, serial: newSerialNumber(randomBytes), signatureIdentifier });
	return encodePem('CERTIFICATE', encodeSignedCertificate(tbs, signatureIdentifier, await signer.sign(tbs)));
}

/** The first certificate of the file; undefined when there is none that can be read. */
async function readCertificate(path: string): Promise<X509Certificate | undefined> {
	try {
		return new X509Certificate(await readFile(path));
	} catch {
		// Whatever is wrong with it, it is made anew from keys that are still there.
		return undefined;
	}
}

/** One that has not begun yet was made under a clock that was ahead. */
function isGood(
	certificate: X509Certificate | undefined,
	{ publicKey }: Signer,
	nowMs: number,
	atLeastUntil: Date,
): certificate is X509Certificate {
	if (!certificate) return false;
	const isOurs = certificate.publicKey.equals(
		createPublicKey({ key: Buffer.from(publicKey), format: 'der', type: 'spki' }),
	);
	return isOurs && certificate.validFromDate.getTime() <= nowMs && certificate.validToDate > atLeastUntil;
}
