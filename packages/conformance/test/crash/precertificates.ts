/** A certificate authority for the CT log's writers, and precertificates in any number, each with the leaf it becomes. */
import { createHash, createPrivateKey, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { signTrustReport } from '@chancery/chassis/trust-report';
import { derBitString, derNull, derOid, derSequence } from '@chancery/core/der';
import { createFileKey } from '@chancery/keys/file/file-key';
import { basicConstraints, extendedKeyUsage, extension, tbsCertificate } from '@chancery/testkit/certificate';
import type { TrustReport } from '@chancery/wire/trust-report';
import { spkiOf } from './signed-trees.ts';

const ECDSA_SHA256 = derSequence(derOid('1.2.840.10045.4.3.2'));
const POISON = extension('1.3.6.1.4.1.11129.2.4.3', derNull(), true);
const CODE_SIGNING = extendedKeyUsage(['1.3.6.1.5.5.7.3.3']);
const IS_CA = basicConstraints(true);
const VALID_MS = 600_000;

export interface Precertificate {
	/** As add-pre-chain takes it: base64 of the precertificate and its issuers. */
	readonly chain: readonly string[];
	/** The TBSCertificate without poison, as it was written, not as it was taken out. */
	readonly tbs: Buffer;
	/** SHA-256 of the issuer's SPKI. */
	readonly issuerKeyHash: Buffer;
}

export interface Authority {
	/** What the log's operator registers: of this moment, since a log acts on a report once and on no old one. */
	report(): Promise<TrustReport>;
	issue(): Precertificate;
}

/** @param keyPath where the issuing key is made; the report is signed by it. */
export async function createAuthority(keyPath: string): Promise<Authority> {
	const root = generateKeyPairSync('ec', { namedCurve: 'P-256' });
	const subject = generateKeyPairSync('ec', { namedCurve: 'P-256' });
	const issuing = await createFileKey(keyPath, 'ecdsa-sha2-256-nistp256');
	const issuingPrivate = createPrivateKey(await readFile(keyPath));
	const rootDer = certificate('root', 'root', spkiOf(root.publicKey), [IS_CA], root.privateKey);
	const issuingDer = certificate('root', 'issuing', issuing.publicKey, [IS_CA, CODE_SIGNING], root.privateKey);
	const issuers = [issuingDer, rootDer].map((der) => Buffer.from(der).toString('base64'));
	const issuerKeyHash = createHash('sha256').update(issuing.publicKey).digest();
	const leafKey = spkiOf(subject.publicKey);

	const report = () => {
		const now = new Date();
		const material = {
			kind: 'certificate-authority' as const,
			subject: { organization: 'crash', commonName: 'crash' },
			uri: 'http://ca.test',
			certChain: issuers,
			validForStart: now.toISOString(),
		};
		return signTrustReport({ service: 'ca', issuedAtMs: now.getTime(), material }, issuing);
	};
	return {
		report,
		issue: () => {
			const serial = Uint8Array.of(1, ...randomBytes(15));
			const notBefore = new Date();
			const tbs = (extensions: readonly Uint8Array[]) =>
				tbsOf('issuing', 'leaf', leafKey, extensions, { serial, notBefore });
			const der = signed(tbs([CODE_SIGNING, POISON]), issuingPrivate);
			return {
				chain: [Buffer.from(der).toString('base64'), ...issuers],
				tbs: Buffer.from(tbs([CODE_SIGNING])),
				issuerKeyHash,
			};
		},
	};
}

/** MerkleTreeLeaf of a precertificate (RFC 6962 section 3.4), written from the RFC. */
export function precertificateLeaf({ tbs, issuerKeyHash }: Precertificate, timestampMs: number): Buffer {
	const head = Buffer.alloc(12);
	head.writeBigUInt64BE(BigInt(timestampMs), 2);
	head.writeUInt16BE(1, 10);
	const length = Buffer.alloc(3);
	length.writeUIntBE(tbs.length, 0, 3);
	return Buffer.concat([head, issuerKeyHash, length, tbs, Buffer.alloc(2)]);
}

interface Moment {
	readonly serial: Uint8Array;
	readonly notBefore: Date;
}

function certificate(
	issuer: string,
	subject: string,
	spki: Uint8Array,
	extensions: readonly Uint8Array[],
	key: KeyObject,
): Uint8Array {
	const moment = { serial: Uint8Array.of(1, ...randomBytes(15)), notBefore: new Date() };
	return signed(tbsOf(issuer, subject, spki, extensions, moment), key);
}

function signed(tbs: Uint8Array, key: KeyObject): Uint8Array {
	return derSequence(tbs, ECDSA_SHA256, derBitString(sign('sha256', tbs, key)));
}

function tbsOf(
	issuer: string,
	subject: string,
	publicKey: Uint8Array,
	extensions: readonly Uint8Array[],
	{ serial, notBefore }: Moment,
): Uint8Array {
	const notAfter = new Date(notBefore.getTime() + VALID_MS);
	return tbsCertificate({
		issuer,
		subject,
		publicKey,
		algorithm: ECDSA_SHA256,
		serial,
		notBefore,
		notAfter,
		extensions,
	});
}
