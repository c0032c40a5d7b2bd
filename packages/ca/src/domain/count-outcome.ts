/** Counts what becomes of requests for a certificate. */
import { codeOf } from '@chancery/chassis/http/error-rendering';
import { ERRORS } from '../errors.ts';
import type { CaMetrics } from '../metrics.ts';

/** What is known of a request while it is worked on. */
export interface Counted {
	/** The issuer as the configuration has it, once its token is verified: what an unverified token says is not counted. */
	issuer: string;
	issuerType: string;
}

/** Runs `work`, which fills in `Counted`, and counts its outcome: what the client hears. */
export async function countOutcome<T>(metrics: CaMetrics, work: (counted: Counted) => Promise<T>): Promise<T> {
	const counted: Counted = { issuer: 'unknown', issuerType: 'unknown' };
	const issuerOf = () => ({ issuer: counted.issuer, issuer_type: counted.issuerType });
	try {
		const issued = await work(counted);
		metrics.count('chancery_ca_certificates_issued_total', 1, issuerOf());
		return issued;
	} catch (error) {
		const labels = { ...issuerOf(), reason: codeOf(error, ERRORS) };
		metrics.count('chancery_ca_certificates_refused_total', 1, labels);
		throw error;
	}
}
