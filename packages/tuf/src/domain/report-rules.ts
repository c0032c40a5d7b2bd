/**
 * What a trust report must say in addition to its signature, before keyholders are asked to sign it. The signature proves
 * possession of the first key; every client will read the rest.
 */
import { DomainError } from '@chancery/chassis/domain-error';
import { checkFreshness, type OpenedTrustReport, type TrustMaterial } from '@chancery/chassis/trust-report';
import { equalBytes, fromBase64 } from '@chancery/core/bytes';
import { basicConstraints, parseCertificate } from '@chancery/core/certificate';
import { LINK_RULES, linkFault } from '@chancery/core/certificate-link';
import { FormatError } from '@chancery/core/format-error';
import { ed25519KeyHash } from '@chancery/core/note';
import { sha256 } from '@chancery/core/sha';
import { keyDetailsOf, parseSpki } from '@chancery/core/spki';
import { verifySignature } from '@chancery/keys/verify-signature';

/** @throws {DomainError} `invalid-trust-report` */
export function checkReport(report: OpenedTrustReport, nowMs: number): void {
	// An attacker in the place of the service could replay an old report, to keep a retired key in use.
	checkFreshness(report, nowMs);
	const { material } = report;
	const address = 'uri' in material ? material.uri : 'baseUrl' in material ? material.baseUrl : material.issuer;
	// It will be in signed metadata, where clients normalise other characters in different ways.
	if (!/^[\x21-\x7e]+$/.test(address)) throw refused('the address in the report is not ASCII');
	try {
		checkMaterial(material);
	} catch (cause) {
		if (!(cause instanceof FormatError)) throw cause;
		throw refused(`the report cannot be read: ${cause.message}`, cause);
	}
}

function checkMaterial(material: TrustMaterial): void {
	switch (material.kind) {
		case 'certificate-authority':
		case 'timestamp-authority':
			checkChain(material.certChain);
			break;
		case 'tlog':
		case 'ctlog':
			checkLog(material);
			break;
		case 'identity':
			// Contains no key, and clients do not trust the identity provider: the CA does.
			break;
	}
}

/** Each certificate is issued by the next one: a chain that leads nowhere would make a root that trusts nothing. */
function checkChain(chain: readonly string[]): void {
	const certificates = chain.map((der) => parseCertificate(fromBase64(der)));
	const [first, ...issuers] = certificates;
	// The first one of a certificate authority issues certificates itself, that of a timestamp authority does not.
	const issues = first && basicConstraints(first)?.ca ? 1 : 0;
	for (const [i, issuer] of issuers.entries()) {
		const link = { certificate: certificates[i]!, issuer, below: i + issues, at: undefined };
		if (linkFault(link, LINK_RULES.verifier, verifySignature))
			throw refused(`certificate ${i + 1} of the chain is not issued by the one behind it`);
	}
}

/** Clients find a log by its id, so a log with the id of another log would replace it. */
function checkLog(log: Extract<TrustMaterial, { kind: 'tlog' | 'ctlog' }>): void {
	const publicKey = fromBase64(log.publicKey);
	const info = parseSpki(publicKey);
	if (keyDetailsOf(info) !== log.keyDetails) throw refused(`the key of the log is not ${log.keyDetails}`);
	const expected =
		log.kind === 'tlog' && info.ed25519
			? ed25519KeyHash(new URL(log.baseUrl).hostname, info.ed25519)
			: sha256(publicKey);
	if (!equalBytes(fromBase64(log.logId), expected))
		throw refused('the log id is not the one that clients derive from the key and the host name');
}

function refused(detail: string, cause?: unknown): DomainError {
	return new DomainError('invalid-trust-report', detail, { cause });
}
