/**
 * Signs and opens the reports by which services tell the root of trust what they are (shape: `wire/trust-report`).
 * A report speaks only for the key that signed it: whoever reports a log or a chain proves to hold its key.
 */
import { equalBytes, fromBase64, toBase64, utf8 } from '@chancery/core/bytes';
import { parseRfc3339 } from '@chancery/core/calendar-time';
import { canonicalJson } from '@chancery/core/canonical-json';
import { parseCertificate } from '@chancery/core/certificate';
import { FormatError } from '@chancery/core/format-error';
import { parseJson } from '@chancery/core/json';
import type { Signer } from '@chancery/keys/signer';
import { verifySignature } from '@chancery/keys/verify-signature';
import {
	TRUST_REPORT_CONTEXT,
	type TrustMaterial,
	type TrustReport,
	type TrustReportPayload,
	trustReport,
	trustReportPayload,
} from '@chancery/wire/trust-report';
import { z } from 'zod';
import { describeProblems } from './describe-problems.ts';
import { DomainError } from './domain-error.ts';

export type { TrustMaterial, TrustReport };

export interface TrustStatement {
	readonly service: string;
	readonly material: TrustMaterial;
	/** Unix time in milliseconds. */
	readonly issuedAtMs: number;
}

export interface OpenedTrustReport {
	readonly service: string;
	readonly material: TrustMaterial;
	readonly issuedAt: Date;
	/** DER SubjectPublicKeyInfo that signed the report; it is the key of `material` where that has one. */
	readonly publicKey: Uint8Array;
}

/** Signs `statement`. `signer` must hold the key that the material shows, or `openTrustReport` will refuse it. */
export async function signTrustReport(statement: TrustStatement, signer: Signer): Promise<TrustReport> {
	const payload: TrustReportPayload = {
		service: statement.service,
		issuedAt: new Date(statement.issuedAtMs).toISOString(),
		material: statement.material,
	};
	const bytes = utf8(canonicalJson(trustReportPayload.parse(payload)));
	return {
		payload: toBase64(bytes),
		publicKey: toBase64(signer.publicKey),
		signature: toBase64(await signer.sign(signedBytes(bytes))),
	};
}

/**
 * Checks a report and returns what it says. Says nothing about whether its key is one to trust, nor how old the report
 * is (`checkFreshness`).
 * @throws {DomainError} `invalid-trust-report`
 */
export function openTrustReport(report: unknown): OpenedTrustReport {
	try {
		const { payload, publicKey: key, signature } = trustReport.parse(report);
		const publicKey = fromBase64(key);
		const bytes = fromBase64(payload);
		if (!verifySignature({ publicKey, message: signedBytes(bytes), signature: fromBase64(signature) }))
			throw new DomainError('invalid-trust-report', 'the signature of the trust report does not match its key');
		const { service, issuedAt, material } = trustReportPayload.parse(parseJson(bytes));
		checkPossession(material, publicKey);
		return { service, material, issuedAt: parseRfc3339(issuedAt), publicKey };
	} catch (error) {
		if (error instanceof z.ZodError)
			throw new DomainError('invalid-trust-report', `the trust report is not valid: ${describeProblems(error)}`);
		if (error instanceof FormatError)
			throw new DomainError('invalid-trust-report', `the trust report is not valid: ${error.message}`);
		throw error;
	}
}

/** Services sign a report when they are asked; the rest is room for clocks that differ, to both sides. */
const MAX_REPORT_AGE_MS = 10 * 60_000;

/**
 * Refuses a report that was not made just now: whoever has kept an old one could otherwise bring back what was ended.
 * @throws {DomainError} `invalid-trust-report`
 */
export function checkFreshness({ issuedAt }: OpenedTrustReport, nowMs: number): void {
	const ageMs = nowMs - issuedAt.getTime();
	if (Math.abs(ageMs) <= MAX_REPORT_AGE_MS) return;
	const seconds = Math.round(Math.abs(ageMs) / 1000);
	throw new DomainError(
		'invalid-trust-report',
		`the report was made at ${issuedAt.toISOString()}, which is not now (${seconds} s ${ageMs < 0 ? 'ahead of our clock' : 'ago'}; ${MAX_REPORT_AGE_MS / 1000} s at most): ask the service for a new one`,
	);
}

function signedBytes(payload: Uint8Array): Uint8Array {
	const context = utf8(TRUST_REPORT_CONTEXT);
	const bytes = new Uint8Array(context.length + payload.length);
	bytes.set(context);
	bytes.set(payload, context.length);
	return bytes;
}

/** The key in the material is the key that signed; an `identity` shows no key. */
function checkPossession(material: TrustMaterial, publicKey: Uint8Array): void {
	const shown = keyOf(material);
	if (shown !== undefined && !equalBytes(shown, publicKey))
		throw new DomainError(
			'invalid-trust-report',
			`the trust report shows the key of a ${material.kind} and is signed with another key`,
		);
}

function keyOf(material: TrustMaterial): Uint8Array | undefined {
	switch (material.kind) {
		case 'certificate-authority':
		case 'timestamp-authority':
			return parseCertificate(fromBase64(material.certChain[0] ?? '')).publicKey;
		case 'tlog':
		case 'ctlog':
			return fromBase64(material.publicKey);
		case 'identity':
			return undefined;
	}
}
