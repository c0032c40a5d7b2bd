/**
 * How a certificate authority becomes one whose chains are logged. The operator's token opens the door; the report proves
 * that the holder of the issuing key stands behind the chain. Neither alone is enough.
 */
import { DomainError } from '@chancery/chassis/domain-error';
import type { Clock } from '@chancery/chassis/service';
import { openTrustReport } from '@chancery/chassis/trust-report';
import { fromBase64 } from '@chancery/core/bytes';
import { basicConstraints, type Certificate, nameToString } from '@chancery/core/certificate';
import { FormatError } from '@chancery/core/format-error';
import { sha256 } from '@chancery/core/sha';
import type { Sql } from '@chancery/postgres/sql';
import type { TrustReport } from '@chancery/wire/trust-report';
import { insertAcceptedRoot } from '../store/accepted-roots.ts';
import type { AcceptedRoots } from './accepted-roots.ts';
import { checkLinks, checkSelfSigned, fingerprintOf, parseChain } from './chain.ts';

export interface RegisterDeps {
	readonly sql: Sql;
	readonly clock: Clock;
	readonly roots: AcceptedRoots;
}

export interface RegisteredRoot {
	/** SHA-256 of the root's DER in hexadecimal. */
	readonly fingerprint: string;
	/** False when it was accepted before. */
	readonly added: boolean;
}

/**
 * Accepts the root of the chain in a certificate authority's report.
 * @throws DomainError `invalid-trust-report`, `invalid-root`, `malformed-certificate`, `untrusted-chain`
 */
export async function registerRoot(
	deps: RegisterDeps,
	report: TrustReport,
	registeredBy: string,
): Promise<RegisteredRoot> {
	// 1. The report speaks of a certificate authority and is signed by the key of the first certificate of its chain.
	const { material } = openTrustReport(report);
	if (material.kind !== 'certificate-authority')
		throw new DomainError(
			'invalid-root',
			`a report of a certificate authority is expected, this is of a ${material.kind}`,
		);

	// 2. The chain holds together and ends in a root.
	const root = rootOf(material.certChain);

	// 3. Stored with the report: who asked for this root stays provable.
	const added = await insertAcceptedRoot(deps.sql, {
		sha256: sha256(root.der),
		certificate: root.der,
		report: JSON.stringify(report),
		registeredBy,
		registeredAt: new Date(deps.clock()),
	});
	deps.roots.add(root);
	return { fingerprint: fingerprintOf(root), added };
}

/** The last certificate of a chain (base64 of DER, issuing certificate first) that was verified link by link. */
function rootOf(certificates: readonly string[]): Certificate {
	try {
		const chain = parseChain(certificates.map(fromBase64));
		checkLinks(chain);
		const [issuing] = chain;
		const root = chain.at(-1);
		if (!issuing || !root) throw new DomainError('invalid-root', 'the chain of the report is empty');
		// The report proves the key of this certificate, so it must be one that speaks for an authority.
		if (!basicConstraints(issuing)?.ca)
			throw new DomainError('invalid-root', `${nameToString(issuing.subject)} is not a CA`);
		checkSelfSigned(root);
		return root;
	} catch (error) {
		if (!(error instanceof FormatError)) throw error;
		throw new DomainError('invalid-root', `the chain of the report cannot be read: ${error.message}`, { cause: error });
	}
}
