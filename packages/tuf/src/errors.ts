/** The errors of the TUF repository and their statuses. */
import type { ErrorTable } from '@chancery/chassis/http/error-rendering';

export const ERRORS: ErrorTable = {
	'invalid-metadata': { status: 400, title: 'The metadata is malformed' },
	'invalid-target': { status: 400, title: 'A target file does not match its description' },
	'unsupported-key': { status: 400, title: 'The key is of a kind that not every client verifies' },
	'threshold-not-met': { status: 403, title: 'Too few of the needed keys signed' },
	'wrong-version': { status: 409, title: 'The version is not the next one' },
	'repository-read-only': { status: 503, title: 'The database and the mark of the repository disagree' },
	'lost-root': { status: 409, title: 'A root that clients have seen must be published again first' },
	'seen-unknown': { status: 409, title: 'Nobody has said what clients have seen' },
	'no-root': { status: 409, title: 'There is no root yet' },
	'invalid-trust-report': { status: 502, title: 'A service reported keys that it did not prove to have' },
	'service-unreachable': { status: 503, title: 'A service did not report its keys' },
};
