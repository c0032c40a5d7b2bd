/**
 * The one error that domain code throws on purpose: a stable code, and words for whoever sent the request.
 * It knows nothing of HTTP; the table of each service (`errors.ts`) gives a code its status.
 */
import { ChanceryError } from '@chancery/core/chancery-error';

export interface DomainErrorOptions {
	/** After how many seconds a repeat makes sense; becomes `Retry-After`. */
	readonly retryAfterSeconds?: number;
	/** Headers that belong to this refusal on the wire (`Location` of a duplicate, ...). Never taken from a request unchecked. */
	readonly headers?: Readonly<Record<string, string>>;
	/** What really happened; goes to the log, never to the client. */
	readonly cause?: unknown;
}

/** A refusal that the client is told about. `detail` says what was expected and what came, and is sent as it is. */
export class DomainError extends ChanceryError<string> {
	readonly detail: string;
	readonly retryAfterSeconds?: number;
	readonly headers?: Readonly<Record<string, string>>;

	constructor(code: string, detail: string, options: DomainErrorOptions = {}) {
		super(code, `${code}: ${detail}`, options.cause === undefined ? undefined : { cause: options.cause });
		this.detail = detail;
		if (options.retryAfterSeconds !== undefined) this.retryAfterSeconds = options.retryAfterSeconds;
		if (options.headers !== undefined) this.headers = options.headers;
	}
}
