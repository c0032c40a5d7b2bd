/** What each refusal of the log is on the wire. Clients of RFC 6962 read the status only; the text is for people. */
import { DomainError } from '@chancery/chassis/domain-error';
import { CHASSIS_ERRORS, type ErrorTable } from '@chancery/chassis/http/error-rendering';
import { TlogError } from '@chancery/tlog/tlog-error';

export const CTLOG_ERRORS: ErrorTable = {
	...CHASSIS_ERRORS,
	'malformed-chain': { status: 400, title: 'The chain cannot be read' },
	'malformed-certificate': { status: 400, title: 'A certificate of the chain cannot be read' },
	'wrong-endpoint': { status: 400, title: 'The certificate belongs to the other endpoint' },
	'malformed-poison': { status: 400, title: 'The poison extension is malformed' },
	'untrusted-chain': { status: 400, title: 'The chain does not lead to an accepted root' },
	'unsupported-precert-issuer': { status: 400, title: 'Precertificate signing certificates are not accepted' },
	'invalid-range': { status: 400, title: 'The tree has no such range' },
	'no-such-leaf': { status: 404, title: 'The tree has no such leaf' },
	'no-such-tile': { status: 404, title: 'The published tree has no such tile' },
	'no-such-issuer': { status: 404, title: 'No logged chain has this certificate' },
	'entry-refused': { status: 400, title: 'The log cannot store this entry' },
	'no-such-root': { status: 404, title: 'No such root was ever accepted' },
	overloaded: { status: 503, title: 'Too many signature checks are waiting' },
	'log-overloaded': { status: 503, title: 'The log has more submissions than it can take' },
	'log-read-only': { status: 503, title: 'The log takes no entries' },
	'log-unavailable': { status: 503, title: 'The log cannot be reached now' },
	'invalid-root': { status: 422, title: 'The report does not make an accepted root' },
	'report-replayed': { status: 409, title: 'The report was used before' },
	'root-retired': { status: 409, title: 'The root was retired' },
	'too-many-roots': { status: 409, title: 'No more roots are accepted' },
};

/** The engine's refusals in the words of this service. Clients repeat on 429 and 503 and give up on everything else. */
const ENGINE_CODES: Readonly<Record<TlogError['code'], string>> = {
	overloaded: 'log-overloaded',
	'read-only': 'log-read-only',
	'entry-refused': 'entry-refused',
	'clock-skew': 'log-unavailable',
	'clock-lead': 'log-unavailable',
	unavailable: 'log-unavailable',
	'identity-mismatch': 'log-read-only',
	'out-of-range': 'invalid-range',
};

/** Runs one call into the domain and turns what the engine refuses into a refusal of this service. */
export async function withEngineErrors<T>(work: () => Promise<T>): Promise<T> {
	try {
		return await work();
	} catch (error) {
		if (!(error instanceof TlogError)) throw error;
		throw new DomainError(ENGINE_CODES[error.code], error.detail, {
			cause: error,
			...(error.retryAfterSeconds === undefined ? {} : { retryAfterSeconds: error.retryAfterSeconds }),
		});
	}
}
