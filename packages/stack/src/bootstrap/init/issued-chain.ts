/**
 * A chain that an existing PKI has issued for a key of this instance: everything that clients would refuse later is refused
 * here, before anything is signed with it.
 */
import { checkCaChain } from '@chancery/ca/ca-chain';
import { equalBytes } from '@chancery/core/bytes';
import {
	type Certificate,
	EKU_CODE_SIGNING,
	EKU_TIME_STAMPING,
	extendedKeyUsage,
	nameToString,
	parseCertificate,
} from '@chancery/core/certificate';
import { isValidAt } from '@chancery/core/certificate-link';
import { ChanceryError } from '@chancery/core/chancery-error';
import { FormatError } from '@chancery/core/format-error';
import { encodePem, parsePem } from '@chancery/core/pem';
import type { Signer } from '@chancery/keys/signer';
import { checkTsaChain } from '@chancery/tsa/tsa-chain';

export type AuthorityName = 'ca' | 'tsa';

export type IssuedChainFault =
	/** No PEM, or a block that is no certificate. */
	| 'unreadable'
	/** The first certificate is for another key than that of the request. */
	| 'other-key'
	/** The chain does not end in a root that was named. */
	| 'other-root'
	/** A certificate is not valid now. */
	| 'not-valid-now'
	/** A certificate above the first is not for the purpose, and what is below it inherits that. */
	| 'purpose'
	/** The rules of the service: CA or not, path length, key usage, purpose, order, signatures. */
	| 'unsuitable';

/** The message says which file, which certificate and why, for whoever goes back to the PKI. */
export class IssuedChainError extends ChanceryError<IssuedChainFault> {}

const RULES = {
	ca: { check: checkCaChain, purpose: EKU_CODE_SIGNING, purposeName: 'code signing' },
	tsa: { check: checkTsaChain, purpose: EKU_TIME_STAMPING, purposeName: 'time stamping' },
} as const;

const ANY_PURPOSE = '2.5.29.37.0';

export interface IssuedChain {
	readonly name: AuthorityName;
	/** Where it was read, for errors. */
	readonly path: string;
	/** The certificate of the key first; the root may be missing. */
	readonly pem: string;
	readonly signer: Signer;
	/** PEM of the roots that it may end in. */
	readonly rootsPem: string;
	readonly now: Date;
}

/**
 * PEM of the whole chain, from the certificate of the key to the root.
 * @throws {IssuedChainError}
 */
export function checkIssuedChain({ name, path, pem, signer, rootsPem, now }: IssuedChain): string {
	const refuse = (fault: IssuedChainFault, why: string, cause?: unknown) =>
		new IssuedChainError(fault, `${path}: ${why}`, cause === undefined ? {} : { cause });
	const read = (text: string, of: string): Certificate[] => {
		try {
			return parsePem(text).map(({ label, der }) => {
				if (label !== 'CERTIFICATE') throw new FormatError('PEM', `a block named ${label} among the certificates`);
				return parseCertificate(der);
			});
		} catch (cause) {
			if (!(cause instanceof FormatError)) throw cause;
			throw refuse('unreadable', `${of} cannot be read: ${cause.message}`, cause);
		}
	};
	const roots = read(rootsPem, 'the root that existingPki.rootFile names');
	const issued = read(pem, 'the chain');
	const [first] = issued;
	const last = issued.at(-1);
	if (!first || !last) throw refuse('unreadable', 'there is no certificate');
	if (!equalBytes(first.publicKey, signer.publicKey))
		throw refuse(
			'other-key',
			`the first certificate, ${called(first)}, is not for the key of the request. The certificate of the request comes first, the one that issued it next`,
		);
	const isRoot = roots.some(({ der }) => equalBytes(der, last.der));
	const root = isRoot ? last : roots.find(({ subject }) => equalBytes(subject, last.issuer));
	if (!root)
		throw refuse(
			'other-root',
			`the chain ends in ${called(last)}, issued by '${nameToString(last.issuer)}'; existingPki.rootFile names ${roots.map(called).join(', ')}. Put the certificates between them into the file`,
		);
	const chain = isRoot ? issued : [...issued, root];
	for (const certificate of chain)
		if (!isValidAt(certificate, now))
			throw refuse(
				'not-valid-now',
				`${called(certificate)} is valid from ${certificate.notBefore.toISOString()} to ${certificate.notAfter.toISOString()}, it is ${now.toISOString()}`,
			);
	const { check, purpose, purposeName } = RULES[name];
	for (const certificate of chain.slice(1)) {
		const purposes = extendedKeyUsage(certificate);
		if (purposes.length > 0 && !purposes.includes(purpose) && !purposes.includes(ANY_PURPOSE))
			throw refuse('purpose', `${called(certificate)} is not for ${purposeName}, and neither is what it issues`);
	}
	const whole = chain.map(({ der }) => encodePem('CERTIFICATE', der)).join('');
	try {
		check(whole, signer);
	} catch (cause) {
		if (!(cause instanceof ChanceryError)) throw cause;
		throw refuse('unsuitable', cause.message, cause);
	}
	return whole;
}

/**
 * Whether the service would start with a chain and a key.
 * @throws {ChainError}, AuthorityError; FormatError
 */
export function checkChain(name: AuthorityName, pem: string, signer: Signer): void {
	RULES[name].check(pem, signer);
}

function called(certificate: Certificate): string {
	return `'${nameToString(certificate.subject)}'`;
}
