/**
 * Certificates from the PKI that an organization has already. The first run of `init` leaves requests; what was issued for
 * them is taken by a later one.
 */
import { join } from 'node:path';
import { EKU_CODE_SIGNING, EKU_TIME_STAMPING } from '@chancery/core/certificate';
import {
	encodeCaExtensions,
	encodeName,
	encodePurpose,
	encodeSigningUsage,
	encodeSubjectKeyId,
} from '@chancery/core/certificate-encoding';
import type { Signer } from '@chancery/keys/signer';
import { signCertificationRequest } from './certification-request.ts';
import { readGivenFile } from './given-file.ts';
import { type AuthorityName, checkIssuedChain } from './issued-chain.ts';
import { isThere, type Making, openOrMake } from './made-once.ts';

/** A request that nobody has answered yet. */
export interface OpenRequest {
	readonly name: AuthorityName;
	/** PEM, PKCS#10. */
	readonly request: string;
	/** Where the issued certificates belong. */
	readonly answer: string;
}

export const REQUEST_PLACES = {
	request: (name: AuthorityName) => join('requests', `${name}.csr`),
	answer: (name: AuthorityName) => join('requests', `${name}-issued.pem`),
} as const;

/** What is asked for. A PKI may change the subject; the purposes and limits are what clients ask for. */
const EXTENSIONS: Readonly<Record<AuthorityName, (publicKey: Uint8Array) => Uint8Array[]>> = {
	ca: (publicKey) => [...encodeCaExtensions(0), encodePurpose(EKU_CODE_SIGNING, false), encodeSubjectKeyId(publicKey)],
	tsa: (publicKey) => [encodeSigningUsage(), encodePurpose(EKU_TIME_STAMPING, true), encodeSubjectKeyId(publicKey)],
};

export interface CertificationOrder {
	/** Of the instance. */
	readonly folder: string;
	readonly name: AuthorityName;
	readonly organization: string;
	readonly commonName: string;
	readonly signer: Signer;
	readonly rootFile: string;
	readonly now: Date;
}

/**
 * The whole chain, when the PKI has answered; else the request, which is made when it is missing. Nothing is irreversible
 * in a request: one that was lost is signed again by the same key, and says the same.
 * @throws {IssuedChainError} when the answer cannot be used; {Refusal} when the root cannot be read
 */
export async function openCertification(order: CertificationOrder, making: Making): Promise<string | OpenRequest> {
	const { folder, name, signer, now, rootFile } = order;
	const request = join(folder, REQUEST_PLACES.request(name));
	const answer = join(folder, REQUEST_PLACES.answer(name));
	const rootsPem = await readGivenFile(rootFile, 'answers: existingPki.rootFile:');
	await openOrMake({ path: request, what: `request for the certificate of the ${name}`, mode: 0o644 }, making, () =>
		signCertificationRequest(signer, {
			subject: encodeName(order.organization, order.commonName),
			extensions: EXTENSIONS[name](signer.publicKey),
		}),
	);
	if (!(await isThere(answer))) return { name, request, answer };
	const pem = await readGivenFile(answer, 'the certificates');
	return checkIssuedChain({ name, path: answer, pem, signer, rootsPem, now });
}
