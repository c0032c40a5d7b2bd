/**
 * The cookies of a sign-in. All are HttpOnly and SameSite=Lax, and each is sent to the few addresses that need it: that of
 * one login page, that where it continues, and those of the device flow.
 *
 * With https they are Secure, and their names say so (RFC 6265bis section 4.1.3): a browser takes such a cookie from nobody
 * who speaks plain HTTP, so that a network attacker cannot put one of his own there. The prefix `__Host-` would demand the
 * path `/`, and with it sending every cookie everywhere.
 */
import { AUTH_PATH } from '@chancery/wire/identity';
import type { Configuration } from 'oidc-provider';

const NAMES = { session: 'chancery_session', interaction: 'chancery_interaction', resume: 'chancery_resume' };
const PREFIX = '__Secure-';

/** Only the device flow has a session, which contains the secret of its forms. */
const SESSION_PATH = `${AUTH_PATH}/device`;

/** The session cookie, whatever the scheme. */
export const SESSION_COOKIES: readonly string[] = [NAMES.session, PREFIX + NAMES.session];

/** Names as the provider is configured. `publicUrl` decides the scheme, also behind a proxy that speaks plain HTTP to us. */
export function cookieNames(publicUrl: string): typeof NAMES {
	if (!publicUrl.startsWith('https:')) return NAMES;
	return {
		session: PREFIX + NAMES.session,
		interaction: PREFIX + NAMES.interaction,
		resume: PREFIX + NAMES.resume,
	};
}

export function cookieSettings(publicUrl: string): NonNullable<Configuration['cookies']> {
	return {
		names: cookieNames(publicUrl),
		long: { httpOnly: true, sameSite: 'lax', path: SESSION_PATH },
		short: { httpOnly: true, sameSite: 'lax' },
	};
}

/** `Set-Cookie` lines that remove a cookie from the browser. */
export function removal(publicUrl: string) {
	const secure = publicUrl.startsWith('https:') ? '; secure' : '';
	const line = (name: string, path: string) =>
		`${name}=; path=${path}; expires=Thu, 01 Jan 1970 00:00:00 GMT; samesite=lax${secure}; httponly`;
	const names = cookieNames(publicUrl);
	return {
		ofSession: () => line(names.session, SESSION_PATH),
		/** Of the login page with this id. */
		ofInteraction: (uid: string) => line(names.interaction, `${AUTH_PATH}/interaction/${uid}`),
	};
}
