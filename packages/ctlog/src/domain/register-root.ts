/**
 * How a certificate authority becomes one whose chains are logged. An operator's token opens the door; the report proves
 * that the holder of the issuing key stands behind the chain, now. Neither alone is enough.
 */
import { DomainError } from '@chancery/chassis/domain-error';
import type { Logger } from '@chancery/chassis/logger';
import type { Clock } from '@chancery/chassis/service';
import { checkFreshness, openTrustReport } from '@chancery/chassis/trust-report';
import { equalBytes, fromBase64 } from '@chancery/core/bytes';
import { basicConstraints, type Certificate, nameToString, parseCertificate } from '@chancery/core/certificate';
import { FormatError } from '@chancery/core/format-error';
import { sha256 } from '@chancery/core/sha';
import type { CheckSignature } from '@chancery/keys/checks/signature-checks';
import type { Database, Sql } from '@chancery/postgres/sql';
import type { TrustReport } from '@chancery/wire/trust-report';
import {
	insertAcceptedRoot,
	insertRootChange,
	listRoots,
	lockRoot,
	type RootChange,
	takeReport,
} from '../store/accepted-roots.ts';
import type { AcceptedRoots } from './accepted-roots.ts';
import { checkNames, checkSelfSigned, checkSignaturesDown, parseChain } from './chain.ts';
import { fingerprintOf, MAX_ROOTS, MAX_ROOTS_OF_ONE_NAME } from './root-set.ts';

export interface RootDeps {
	readonly database: Database;
	readonly clock: Clock;
	readonly roots: AcceptedRoots;
	readonly check: CheckSignature;
	readonly logger: Logger;
}

export interface RegisteredRoot {
	/** SHA-256 of the root's DER in hexadecimal. */
	readonly fingerprint: string;
	/** `accepted`: it was accepted before, and nothing has changed. */
	readonly outcome: 'added' | 'reinstated' | 'accepted';
}

/**
 * Accepts the root of the chain in a certificate authority's report.
 * @param by name of the operator's token
 * @param reinstate whether a root that was retired is to be accepted again
 * @throws {DomainError} `invalid-trust-report`, `invalid-root`, `malformed-certificate`, `untrusted-chain`,
 * `report-replayed`, `root-retired`, `too-many-roots`
 */
export async function registerRoot(
	deps: RootDeps,
	report: TrustReport,
	{ by, reinstate }: { readonly by: string; readonly reinstate: boolean },
): Promise<RegisteredRoot> {
	// 1. The report speaks of a certificate authority, is signed by the key of the first certificate of its chain, and was
	//    made just now.
	const now = deps.clock();
	const opened = openTrustReport(report);
	const { material, issuedAt } = opened;
	if (material.kind !== 'certificate-authority')
		throw new DomainError(
			'invalid-root',
			`a report of a certificate authority is expected, this is of a ${material.kind}`,
		);
	checkFreshness(opened, now);

	// 2. The chain holds together and ends in a root.
	const root = await rootOf(material.certChain, deps.check);
	const fingerprint = fingerprintOf(root);
	const hash = sha256(root.der);

	// 3. Stored with the report: who asked for this root stays provable. A crash before the commit leaves nothing; after
	//    it, this process and the others read the table within a second.
	const at = new Date(now);
	const text = JSON.stringify(report);
	const outcome = await deps.database.transaction(async (sql) => {
		if (!(await takeReport(sql, sha256(fromBase64(report.payload)), issuedAt, at)))
			throw new DomainError('report-replayed', 'this report was acted on before: ask the authority for a new one');
		const known = await lockRoot(sql, hash);
		if (known && known.lastChange?.change !== 'retired') return 'accepted';
		if (known) checkReinstatement(known.lastChange, reinstate, issuedAt);
		await checkRoom(sql, root);
		if (known) {
			const reason = 'asked for with reinstate=true';
			await insertRootChange(sql, hash, { change: 'reinstated', changedAt: at, changedBy: by, reason, report: text });
			return 'reinstated';
		}
		const row = { sha256: hash, certificate: root.der, report: text, registeredBy: by, registeredAt: at };
		return (await insertAcceptedRoot(sql, row)) ? 'added' : 'accepted';
	});
	if (outcome !== 'accepted')
		deps.logger.info(
			{ audit: true, caller: by, root: fingerprint, change: outcome },
			'the accepted roots have changed',
		);
	await deps.roots.reload();
	return { fingerprint, outcome };
}

/** A retirement is taken back in so many words, with a report that was made after it, or not at all. */
function checkReinstatement(retirement: RootChange | undefined, reinstate: boolean, issuedAt: Date): void {
	if (!retirement) return;
	const when = `retired at ${retirement.changedAt.toISOString()} by ${retirement.changedBy} (${retirement.reason})`;
	if (!reinstate)
		throw new DomainError(
			'root-retired',
			`this root was ${when}; to accept it again, send the report with ?reinstate=true`,
		);
	if (issuedAt <= retirement.changedAt)
		throw new DomainError(
			'root-retired',
			`this root was ${when}, and the report was made at ${issuedAt.toISOString()}: ask the authority for a new one`,
		);
}

/** What every stranger's chain is tried with, and what get-roots answers, stays small. */
async function checkRoom(sql: Sql, root: Certificate): Promise<void> {
	const rows = await listRoots(sql);
	const accepted = rows.filter(({ lastChange }) => lastChange?.change !== 'retired');
	if (accepted.length >= MAX_ROOTS)
		throw new DomainError(
			'too-many-roots',
			`${accepted.length} roots are accepted, which is the most: retire one first`,
		);
	const namesakes = accepted.filter(({ certificate }) =>
		equalBytes(parseCertificate(certificate).subject, root.subject),
	);
	if (namesakes.length >= MAX_ROOTS_OF_ONE_NAME)
		throw new DomainError(
			'too-many-roots',
			`${namesakes.length} roots called ${nameToString(root.subject)} are accepted, which is the most: retire one first`,
		);
}

/** The last certificate of a chain (base64 of DER, issuing certificate first) that was verified from there down. */
async function rootOf(certificates: readonly string[], check: CheckSignature): Promise<Certificate> {
	try {
		const chain = parseChain(certificates.map(fromBase64));
		const [issuing] = chain;
		const root = chain.at(-1);
		if (!issuing || !root) throw new DomainError('invalid-root', 'the chain of the report is empty');
		checkNames(chain);
		// The report proves the key of this certificate, so it must be one that speaks for an authority.
		if (!basicConstraints(issuing)?.ca)
			throw new DomainError('invalid-root', `${nameToString(issuing.subject)} is not a CA`);
		await checkSelfSigned(root, check);
		await checkSignaturesDown(chain, 0, check);
		return root;
	} catch (error) {
		if (!(error instanceof FormatError)) throw error;
		throw new DomainError('invalid-root', `the chain of the report cannot be read: ${error.message}`, { cause: error });
	}
}
