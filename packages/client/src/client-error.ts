/** A step of the client that failed, in words for the person who ran it. */

import { ChanceryError } from '@chancery/core/chancery-error';

export type ClientErrorCode =
	| 'token-malformed'
	| 'token-unverified'
	| 'token-refused'
	| 'login-refused'
	| 'issuer-unavailable'
	| 'no-ambient-token'
	| 'no-service'
	| 'certificate-refused'
	| 'log-refused'
	| 'timestamp-refused'
	| 'trust-unavailable'
	| 'log-unreadable'
	| 'answer-malformed';

export class ClientError extends ChanceryError<ClientErrorCode> {
	constructor(code: ClientErrorCode, message: string, options?: ErrorOptions) {
		super(code, message, options);
	}
}
