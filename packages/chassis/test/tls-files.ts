/** Certificates for listeners, as an operator has them: a chain file and a key file. */
import { createPrivateKey, type KeyObject, randomBytes, X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SIGNATURE_IDENTIFIERS } from '@chancery/core/algorithm-registry';
import {
	encodeExtension,
	encodeName,
	encodeSignedCertificate,
	encodeTbsCertificate,
	newSerialNumber,
} from '@chancery/core/certificate-encoding';
import { derContext, derSequence } from '@chancery/core/der';
import { encodePem } from '@chancery/core/pem';
import { createFileKey } from '@chancery/keys/file/file-key';
import type { TlsFiles } from '../src/config/tls-section.ts';

const DAY_MS = 86_400_000;

export interface MadeTlsFiles extends TlsFiles {
	readonly folder: string;
	readonly certificate: string;
	readonly serial: string;
	readonly key: KeyObject;
}

export interface TlsFilesOptions {
	readonly name?: string;
	/** From now, in days; the past is negative. */
	readonly fromDays?: number;
	readonly untilDays?: number;
}

/** A self-signed certificate for `name`, which is its own authority, and its key. */
export async function makeTlsFiles(options: TlsFilesOptions = {}): Promise<MadeTlsFiles> {
	const { name = 'localhost', fromDays = -1, untilDays = 1 } = options;
	const folder = mkdtempSync(join(tmpdir(), 'chancery-tls-'));
	const files = { certificateFile: join(folder, 'chain.pem'), keyFile: join(folder, 'key.pem') };
	const signer = await createFileKey(files.keyFile, 'ecdsa-sha2-256-nistp256');
	const subject = encodeName('Chancery test', name);
	const signatureIdentifier = SIGNATURE_IDENTIFIERS[signer.algorithm];
	const tbs = encodeTbsCertificate({
		serial: newSerialNumber(randomBytes),
		signatureIdentifier,
		issuer: subject,
		subject,
		notBefore: new Date(Date.now() + fromDays * DAY_MS),
		notAfter: new Date(Date.now() + untilDays * DAY_MS),
		publicKey: signer.publicKey,
		extensions: [
			encodeExtension('2.5.29.17', false, derSequence(derContext(2, { constructed: false }, Buffer.from(name)))),
		],
	});
	const certificate = encodePem(
		'CERTIFICATE',
		encodeSignedCertificate(tbs, signatureIdentifier, await signer.sign(tbs)),
	);
	writeFileSync(files.certificateFile, certificate);
	return {
		...files,
		folder,
		certificate,
		serial: new X509Certificate(certificate).serialNumber,
		key: createPrivateKey(readFileSync(files.keyFile)),
	};
}
