/** How each error of the identity provider's own pages and endpoints is answered. OAuth errors are the library's. */
import { CHASSIS_ERRORS, type ErrorTable } from '@chancery/chassis/http/error-rendering';

export const IDENTITY_ERRORS = {
	...CHASSIS_ERRORS,
	'wrong-host': { status: 403, title: 'This is not the address of the identity provider' },
	'wrong-origin': { status: 403, title: 'The request came from another site' },
	'login-expired': { status: 400, title: 'This sign-in has expired' },
	'login-refused': { status: 400, title: 'The sign-in was not accepted' },
	'too-many-guesses': { status: 429, title: 'Too many wrong codes or secrets' },
	'upstream-unavailable': { status: 503, title: 'The provider where you sign in does not work now' },
	'upstream-untrusted': { status: 502, title: 'The connection to the provider is not secure' },
	'upstream-misconfigured': { status: 502, title: 'This way to sign in is not set up correctly' },
	'upstream-refused': { status: 403, title: 'The provider did not sign you in' },
	'upstream-code-refused': { status: 400, title: 'The provider has ended this sign-in' },
	'upstream-invalid': { status: 502, title: 'The provider sent an answer that cannot be used' },
	'upstream-token-invalid': { status: 502, title: 'The provider sent a token that is not valid' },
	'upstream-subject-invalid': { status: 502, title: 'The provider does not say who you are' },
	'upstream-subject-changed': { status: 502, title: 'The provider names accounts in another form' },
	'upstream-no-email': { status: 403, title: 'Your account has no address to sign with' },
	'upstream-email-unverified': { status: 403, title: 'Your address is not verified' },
	'upstream-not-allowed': { status: 403, title: 'Your account may not sign in here' },
	'no-login-method': { status: 404, title: 'There is no such way to sign in' },
} as const satisfies ErrorTable;
