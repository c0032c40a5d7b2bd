/** A step of the client that failed, in words for the person who ran it. */
export type ClientErrorCode =
	| 'token-malformed'
	| 'no-service'
	| 'certificate-refused'
	| 'log-refused'
	| 'timestamp-refused'
	| 'trust-unavailable'
	| 'log-unreadable'
	| 'answer-malformed';

export class ClientError extends Error {
	override readonly name = 'ClientError';
	readonly code: ClientErrorCode;

	constructor(code: ClientErrorCode, message: string, options?: ErrorOptions) {
		super(message, options);
		this.code = code;
	}
}
