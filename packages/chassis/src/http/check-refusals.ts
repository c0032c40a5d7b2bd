/**
 * Signature checks as services ask for them: what the queue (`keys/checks`) does not take becomes a refusal with a code
 * that every error table knows, and with the time to come back.
 */
import { CheckError } from '@chancery/keys/checks/check-error';
import type { CheckSignature, SignatureChecks } from '@chancery/keys/checks/signature-checks';
import { DomainError } from '../domain-error.ts';

/** The same checks. Where the queue throws a CheckError, this throws a DomainError `overloaded` or `unavailable`. */
export function refuseAsDomainError(checks: Pick<SignatureChecks, 'check'>): CheckSignature {
	return async (check) => {
		try {
			return await checks.check(check);
		} catch (error) {
			if (!(error instanceof CheckError)) throw error;
			const { code, detail, retryAfterSeconds } = error;
			throw new DomainError(code, detail, { retryAfterSeconds });
		}
	};
}
