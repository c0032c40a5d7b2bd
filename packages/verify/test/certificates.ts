/** Certificates, put together element by element so that a test can make any of them wrong. */
import { createHash } from 'node:crypto';
import { utf8 } from '@chancery/core/bytes';
import { encodeSctList, sctSignedData } from '@chancery/core/ct';
import { derBitString, derContext, derNull, derOid, derSequence, derUtf8 } from '@chancery/core/der';
import { extension, tbsCertificate } from '@chancery/testkit/certificate';
import { signWith, type TestKey } from './keys.ts';

export interface CertificateRecipe {
	/** Common names. */
	readonly subject: string;
	readonly issuer: string;
	readonly publicKey: Uint8Array;
	readonly signer: TestKey;
	readonly notBefore: Date;
	readonly notAfter: Date;
	/** Whole Extension elements, in order. */
	readonly extensions: readonly Uint8Array[];
	readonly serial?: number;
	/** Instead of the one that belongs to the key; `hash` is an OpenSSL name. */
	readonly algorithm?: { readonly oid: string; readonly hash: string };
}

const ALGORITHMS = {
	p256: ['1.2.840.10045.4.3.2', 'sha256'],
	p384: ['1.2.840.10045.4.3.3', 'sha384'],
	p521: ['1.2.840.10045.4.3.4', 'sha512'],
	ed25519: ['1.3.101.112', 'sha512'],
	rsa2048: ['1.2.840.113549.1.1.11', 'sha256'],
	rsa1024: ['1.2.840.113549.1.1.11', 'sha256'],
} as const;

export const SCT_LIST_OID = '1.3.6.1.4.1.11129.2.4.2';

export function algorithmIdentifier(key: TestKey, oid: string = ALGORITHMS[key.kind][0]): Uint8Array {
	return key.kind.startsWith('rsa') ? derSequence(derOid(oid), derNull()) : derSequence(derOid(oid));
}

export function issueCertificate(recipe: CertificateRecipe): Uint8Array {
	const tbs = toBeSigned(recipe);
	const { signer, algorithm } = recipe;
	const signature = signWith(signer, tbs, algorithm?.hash ?? ALGORITHMS[signer.kind][1]);
	return derSequence(tbs, algorithmIdentifier(signer, algorithm?.oid), derBitString(signature));
}

function toBeSigned(recipe: CertificateRecipe): Uint8Array {
	const { signer, algorithm } = recipe;
	return tbsCertificate({ serial: 4711, ...recipe, algorithm: algorithmIdentifier(signer, algorithm?.oid) });
}

export interface SctRecipe {
	readonly log: TestKey;
	readonly issuerKey: Uint8Array;
	readonly timeMs: number;
	/** Stands as the log id; by default the hash of the log's key. */
	readonly logId?: Uint8Array;
}

/** Adds the SCT list extension (RFC 6962 section 3.3) over what the recipe says so far. */
export function withScts(recipe: CertificateRecipe, scts: readonly SctRecipe[]): CertificateRecipe {
	const tbs = toBeSigned(recipe);
	const list = scts.map(({ log, issuerKey, timeMs, logId }) => {
		const entry = { type: 'precert' as const, issuerKeyHash: sha256(issuerKey), tbs };
		const extensions = new Uint8Array();
		return {
			version: 0 as const,
			logId: logId ?? sha256(log.spki),
			timestampMs: timeMs,
			extensions,
			hashAlgorithm: 4,
			signatureAlgorithm: 3,
			signature: signWith(log, sctSignedData({ timestampMs: timeMs, entry, extensions })),
		};
	});
	return { ...recipe, extensions: [...recipe.extensions, extension(SCT_LIST_OID, encodeSctList(list))] };
}

export const emailName = (address: string) => derContext(1, { constructed: false }, utf8(address));
export const uriName = (uri: string) => derContext(6, { constructed: false }, utf8(uri));
export const ipName = (...octets: readonly number[]) => derContext(7, { constructed: false }, Uint8Array.from(octets));
export const otherName = (oid: string, text: string) =>
	derContext(0, {}, derOid(oid), derContext(0, {}, derUtf8(text)));

export function subjectAltName(...names: readonly Uint8Array[]): Uint8Array {
	return extension('2.5.29.17', derSequence(...names), true);
}

/** Issuer of the identity: 8 holds a UTF8String, 1 the bare text. */
export const issuerV2 = (issuer: string) => extension('1.3.6.1.4.1.57264.1.8', derUtf8(issuer));
export const issuerV1 = (issuer: string) => extension('1.3.6.1.4.1.57264.1.1', utf8(issuer));

export function sha256(bytes: Uint8Array): Uint8Array {
	return new Uint8Array(createHash('sha256').update(bytes).digest());
}
