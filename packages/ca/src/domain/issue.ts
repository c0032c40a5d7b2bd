/**
 * How a certificate comes to be. The story of this service, in the order in which it happens.
 *
 * Two things must hold whatever breaks in between: nothing is signed that has no row, and nobody is given a certificate
 * whose precertificate is not in the log.
 */

import { DomainError } from '@chancery/chassis/domain-error';
import { within } from '@chancery/chassis/http/within';
import type { Logger } from '@chancery/chassis/logger';
import type { Clock } from '@chancery/chassis/service';
import { requiredClaim } from '@chancery/chassis/tokens/claims';
import type { ProvenRequest, UsedProof } from '@chancery/chassis/tokens/dpop-proof';
import type { TokenVerifier } from '@chancery/chassis/tokens/token-verifier';
import { equalBytes } from '@chancery/core/bytes';
import { parseCertificate } from '@chancery/core/certificate';
import { newSerialNumber } from '@chancery/core/certificate-encoding';
import { encodePem } from '@chancery/core/pem';
import { tbsWithoutPoison } from '@chancery/core/precertificate';
import { sha256 } from '@chancery/core/sha';
import type { Signer } from '@chancery/keys/signer';
import { isDataError } from '@chancery/postgres/pg-errors';
import type { IssuerSettings } from '../issuers/issuer-type.ts';
import type { CaMetrics } from '../metrics.ts';
import type { Issuances } from '../store/issuances.ts';
import type { ShownProofs } from '../store/shown-proofs.ts';
import type { Admission } from './admission.ts';
import { type Counted, countOutcome } from './count-outcome.ts';
import { type CtLog, submitPrecertificate } from './ct-log.ts';
import { chainProblem, type IssuingChain } from './issuing-chain.ts';
import { type BlockedKeys, checkKeyStrength } from './key-strength.ts';
import {
	encodeCertificate,
	encodeLeafTbs,
	LEAF_LIFETIME_MS,
	type LeafFields,
	type SharedTbs,
	sharedTbs,
} from './leaf-certificate.ts';
import { lintCertificate, lintSignature } from './lint.ts';
import { type CertifiedIdentity, identify } from './principal.ts';
import { checkProofOfPossession } from './proof-of-possession.ts';
import { refuse } from './refusal.ts';
import { type KeyMaterial, readRequestedKey } from './requested-key.ts';
import { checkSct } from './sct.ts';

/** Less than what the database itself gives a statement. */
const STORE_TIMEOUT_MS = 5_000;
/**
 * For everything. Clients wait 30 s: who hears in time that it takes too long comes back when told to, who hears nothing
 * does not know. What is under way goes on; an outcome that comes later is recorded, and is as one whose answer was lost.
 */
const ISSUE_TIMEOUT_MS = 20_000;
/** After that, a machine needs more than a moment. */
const RETRY_AFTER_SECONDS = 3;

export interface IssueDeps {
	readonly issuances: Issuances;
	readonly proofs: ShownProofs;
	readonly clock: Clock;
	readonly random: (n: number) => Uint8Array;
	readonly logger: Logger;
	readonly metrics: CaMetrics;
	readonly tokens: TokenVerifier<IssuerSettings>;
	readonly admission: Admission;
	readonly chain: IssuingChain;
	readonly signer: Signer;
	readonly ctLog: CtLog;
	readonly blockedKeys: BlockedKeys;
	/** Called when a step is done; the tests stop the story there. */
	readonly afterStep?: (step: IssueStep) => void;
}

export type IssueStep = 'intended' | 'precertificate-signed' | 'logged' | 'signed' | 'recorded';

export interface IssueRequest {
	/** The identity token; empty when the request brought none. */
	readonly token: string;
	/** For a token that is bound to a key. */
	readonly proven: ProvenRequest;
	/** Undefined when the request names no key. */
	readonly key: KeyMaterial | undefined;
	/** Of the client, as its connection shows it. */
	readonly address: string;
}

export interface IssuedCertificate {
	/** PEM without closing line feeds: the certificate, its issuers, the root. */
	readonly pems: readonly string[];
}

/** @throws {DomainError} with a code of `errors.ts` */
export function issueCertificate(deps: IssueDeps, request: IssueRequest): Promise<IssuedCertificate> {
	return countOutcome(deps.metrics, (counted) =>
		within(ISSUE_TIMEOUT_MS, issue(deps, request, counted), () =>
			refuse('ca-overloaded', `nothing was issued within ${ISSUE_TIMEOUT_MS / 1000} s; try again`, {
				retryAfterSeconds: RETRY_AFTER_SECONDS,
			}),
		),
	);
}

async function issue(deps: IssueDeps, request: IssueRequest, counted: Counted): Promise<IssuedCertificate> {
	// 1. Verify the token. Until there is an intent, a crash leaves nothing behind.
	const token = await timed(deps, 'token', () => deps.tokens.verify(request.token, request.address, request.proven));
	counted.issuer = token.settings.issuer;
	counted.issuerType = token.settings.type;

	// 2. From its claims to the identity that will be certified. What follows is work, and done in its turn.
	const identity = identify(token);
	const holder = { issuer: token.settings.issuer, subject: requiredClaim(token.claims, 'sub') };
	const usefulForMs = token.acceptedUntilMs - deps.clock();
	return deps.admission.run(holder, usefulForMs, async () => {
		await useProof(deps, token.proof);
		return certify(deps, identity, request.key);
	});
}

/**
 * The proof of a bound token is good once, at whichever replica: the database remembers it. Before anything else is looked
 * at, so that who reads a refused request cannot send it again with a key of his own. A crash after this leaves a proof
 * that is used up; its client makes another.
 */
async function useProof(deps: IssueDeps, proof: UsedProof | undefined): Promise<void> {
	if (proof && !(await store(deps, () => deps.proofs.use(proof.id, new Date(proof.forgetAtMs)))))
		throw refuse('token-proof-invalid', 'it was used before; make one for each request');
}

async function certify(
	deps: IssueDeps,
	identity: CertifiedIdentity,
	material: KeyMaterial | undefined,
): Promise<IssuedCertificate> {
	// 3. The key, and the proof that the holder of the token has it. Weak keys are refused before they cost a signature check.
	if (!material) throw refuse('key-malformed', 'the request names no key');
	const key = readRequestedKey(material);
	checkKeyStrength({ spki: key.spki, info: key.publicKey.info }, deps.blockedKeys);
	checkProofOfPossession(key, identity.challenges);

	// 4. Build what precertificate and certificate share.
	const nowMs = deps.clock();
	const problem = chainProblem(deps.chain, nowMs, LEAF_LIFETIME_MS);
	if (problem !== undefined) throw refuse('chain-not-valid-now', undefined, { cause: new Error(problem) });
	const fields = leafFields(deps, identity, key.spki, nowMs);
	const shared = sharedTbs(fields);

	// 5. Record the intent BEFORE signing. A crash after this leaves a row without outcome, and nothing signed.
	await store(deps, () =>
		deps.issuances.intend({
			serial: fields.serial,
			tbsSha256: sha256(shared.encoded),
			issuerKeyHash: deps.chain.keyHash,
			keySha256: sha256(key.spki),
			identityIssuer: identity.issuer,
			subjectType: identity.subject.type,
			subject: identity.subject.value,
			tokenSubject: identity.extensions.subject ?? '',
			notBefore: fields.notBefore,
			notAfter: fields.notAfter,
			intendedAt: new Date(nowMs),
		}),
	);
	deps.afterStep?.('intended');

	try {
		return await signAndLog(deps, fields, shared);
	} catch (error) {
		await recordFailure(deps, fields.serial, error);
		throw error;
	}
}

async function signAndLog(deps: IssueDeps, fields: LeafFields, shared: SharedTbs): Promise<IssuedCertificate> {
	const { chain, ctLog, signer } = deps;

	// 6. Sign the precertificate. A crash after this leaves a signed precertificate that nobody has seen: its poison
	// keeps every reader from taking it for a certificate, and the row names its serial.
	const preTbs = encodeLeafTbs(shared, { kind: 'poison' });
	if (!equalBytes(tbsWithoutPoison(parseCertificate(unsigned(preTbs, signer))), shared.encoded))
		throw refuse('certificate-defective', undefined, { cause: new Error('the precertificate is another one') });
	const precertificate = encodeCertificate(preTbs, signer.algorithm, await sign(deps, preTbs));
	deps.afterStep?.('precertificate-signed');

	// 7. Log it. A crash after this leaves a log entry without a certificate, which is what a log entry promises: the
	// authority meant to issue. The row without outcome shows it to whoever looks into it.
	const submittedAtMs = deps.clock();
	const reply = await timed(deps, 'sct', () => submitPrecertificate(ctLog, precertificate, chain));
	const sct = checkSct(
		reply,
		{ issuerKeyHash: chain.keyHash, tbs: shared.encoded, submittedAtMs },
		ctLog,
		deps.clock(),
	);
	deps.afterStep?.('logged');

	// 8. Sign the certificate: the same bytes, with the timestamp in the place of the poison. If anything else differed from
	// what the log has vouched for, the SCT would not verify; so everything is compared before the key is used.
	const tbs = encodeLeafTbs(shared, { kind: 'sct-list', value: sct.extensionValue });
	lintCertificate(unsigned(tbs, signer), { fields, loggedTbs: shared.encoded, sct: sct.encoded, chain });
	const certificate = encodeCertificate(tbs, signer.algorithm, await sign(deps, tbs));
	lintSignature(certificate, chain);
	deps.afterStep?.('signed');

	// 9. Record it. A crash before this loses a certificate that nobody was given; the client asks again and gets another.
	// So does a database that takes too long, whose row may then say issued.
	await store(deps, () =>
		deps.issuances.issued({
			serial: fields.serial,
			certificate,
			sct: sct.encoded,
			sctAt: new Date(sct.timestampMs),
			endedAt: new Date(deps.clock()),
		}),
	);
	deps.afterStep?.('recorded');

	// 10. Reply, root included: some clients compare the end of the chain with the one they trust. If the answer is
	// lost, the row says issued; the key dies with the client and the certificate in ten minutes.
	return { pems: [encodePem('CERTIFICATE', certificate), ...chain.pems].map((pem) => pem.trimEnd()) };
}

function leafFields(deps: IssueDeps, identity: CertifiedIdentity, publicKey: Uint8Array, nowMs: number): LeafFields {
	const notBeforeMs = Math.floor(nowMs / 1000) * 1000;
	return {
		serial: newSerialNumber(deps.random),
		issuerName: deps.chain.issuing.subject,
		signatureAlgorithm: deps.signer.algorithm,
		notBefore: new Date(notBeforeMs),
		notAfter: new Date(notBeforeMs + LEAF_LIFETIME_MS),
		publicKey,
		authorityKeyId: deps.chain.keyId,
		subject: identity.subject,
		extensions: identity.extensions,
	};
}

/** What waits for others is timed. */
function timed<T>(
	{ metrics }: IssueDeps,
	step: 'token' | 'store' | 'sign' | 'sct',
	work: () => Promise<T>,
): Promise<T> {
	return metrics.time('chancery_ca_step_duration_seconds', work, { step });
}

/** The readers take whole certificates: an empty signature closes what is not signed yet. */
function unsigned(tbs: Uint8Array, signer: Signer): Uint8Array {
	return encodeCertificate(tbs, signer.algorithm, new Uint8Array());
}

async function sign(deps: IssueDeps, tbs: Uint8Array): Promise<Uint8Array> {
	try {
		return await timed(deps, 'sign', () => deps.signer.sign(tbs));
	} catch (cause) {
		throw refuse('signer-failed', undefined, { cause });
	}
}

/** A write that takes too long may still be committed: the row then says what a crash at this place would have left. */
async function store<T>(deps: IssueDeps, write: () => Promise<T>): Promise<T> {
	const late = () => new Error(`no answer of the database after ${STORE_TIMEOUT_MS} ms`);
	try {
		return await timed(deps, 'store', () => within(STORE_TIMEOUT_MS, write(), late));
	} catch (cause) {
		// A refused value is a fault of ours, and a repeat would not help.
		if (isDataError(cause)) throw cause;
		throw refuse('store-unavailable', 'try again', { cause });
	}
}

/** Says how an intent ended, as well as can be: when this fails too, the row looks as after a crash, which is true. */
async function recordFailure(deps: IssueDeps, serial: Uint8Array, error: unknown): Promise<void> {
	if (!(error instanceof DomainError) || error.code === 'store-unavailable') return;
	try {
		await store(deps, () => deps.issuances.failed(serial, error.code, new Date(deps.clock())));
	} catch (err) {
		deps.logger.warn({ err, serial: serial.toHex() }, 'the outcome of an issuance could not be recorded');
	}
}
