/**
 * Why the embedded server cannot be started or used. The code is stable; the message says what was expected, what was
 * found and, where possible, what to do.
 */

import { ChanceryError } from '@chancery/core/chancery-error';

export type EmbeddedErrorCode =
	| 'unsupported-platform'
	| 'binaries-broken'
	| 'no-usable-folder'
	| 'no-account'
	| 'in-use'
	| 'cluster-missing'
	| 'copied-folder'
	| 'wrong-owner'
	| 'hand-over-failed'
	| 'version-mismatch'
	| 'initdb-failed'
	| 'start-failed'
	| 'stop-failed';

export class EmbeddedPostgresError extends ChanceryError<EmbeddedErrorCode> {
	constructor(code: EmbeddedErrorCode, message: string, options?: ErrorOptions) {
		super(code, message, options);
	}
}
