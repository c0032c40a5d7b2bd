/** How each error of the identity provider's own pages and endpoints is answered. OAuth errors are the library's. */
import { CHASSIS_ERRORS, type ErrorTable } from '@chancery/chassis/http/error-rendering';

export const IDENTITY_ERRORS = {
	...CHASSIS_ERRORS,
	'wrong-host': { status: 421, title: 'This is not the address of the identity provider' },
	'wrong-origin': { status: 403, title: 'The form was sent from another site' },
	'login-expired': { status: 400, title: 'This sign-in has expired' },
	'login-refused': { status: 400, title: 'The sign-in was not accepted' },
	'upstream-unavailable': { status: 503, title: 'The provider where you sign in does not work now' },
	'upstream-refused': { status: 403, title: 'The provider did not sign you in' },
	'upstream-invalid': { status: 502, title: 'The provider sent an answer that cannot be used' },
	'no-login-method': { status: 404, title: 'There is no such way to sign in' },
} as const satisfies ErrorTable;
