/** Counts what becomes of requests for a certificate. */
import { codeOf } from '@chancery/chassis/http/error-rendering';
import { ERRORS } from '../errors.ts';
import type { CaMetrics } from '../metrics.ts';

/** What is known of a request while it is worked on. */
export interface Counted {
	/** Type of the issuer, once its token is verified: what an unverified token says is not counted. */
	issuerType: string;
}

/** Runs `work`, which fills in `Counted`, and counts its outcome: what the client hears. */
export async function countOutcome<T>(metrics: CaMetrics, work: (counted: Counted) => Promise<T>): Promise<T> {
	const counted: Counted = { issuerType: 'unknown' };
	try {
		const issued = await work(counted);
		metrics.count('chancery_ca_certificates_issued_total', 1, { issuer_type: counted.issuerType });
		return issued;
	} catch (error) {
		const labels = { issuer_type: counted.issuerType, reason: codeOf(error, ERRORS) };
		metrics.count('chancery_ca_certificates_refused_total', 1, labels);
		throw error;
	}
}
