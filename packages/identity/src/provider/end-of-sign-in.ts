/**
 * What remains of a sign-in when it has ended, or was cancelled: no session and no cookie. The library keeps people signed in;
 * here they say each time who signs, so a session that stays is good for nobody but a thief.
 *
 * What is left in the database is what the client still needs: the code, the grant and the account behind it.
 */
import type { KoaContextWithOIDC, Provider } from 'oidc-provider';
import { cookieNames, removal } from './cookies.ts';

/** Where a browser returns from the login page: `/auth/<uid>`, or `/device/<uid>` in the device flow. */
const RETURN = /^\/(auth|device)\/([A-Za-z0-9_-]{20,64})$/;
/** Where the two functions below leave word for the middleware. */
const IS_OVER = 'deviceFlowIsOver';

/** What the library's types leave out: a session that says so is neither stored nor sent to the browser. */
type EndableSession = NonNullable<KoaContextWithOIDC['oidc']['session']> & { destroyed?: boolean };

/** Has no session stored for the code flow: it ends in the request that would store it. */
export function forgetSessions(provider: Provider): void {
	provider.on('authorization.success', (ctx) => {
		if (ctx.oidc.route === 'device_resume') ctx.state[IS_OVER] = true;
		else if (ctx.oidc.session) (ctx.oidc.session as EndableSession).destroyed = true;
	});
}

/** For the page after a person has stopped a device flow. */
export function noteAborted(ctx: KoaContextWithOIDC, error: Error | undefined): void {
	if (error?.name === 'AbortedError') ctx.state[IS_OVER] = true;
}

/**
 * Middleware around all others. A crash before it is done leaves rows that expire within minutes, and cookies that name
 * nothing.
 */
export function removeTraces(publicUrl: string) {
	const remove = removal(publicUrl);
	const sessionCookie = `${cookieNames(publicUrl).session}=`;
	return async (ctx: KoaContextWithOIDC, next: () => Promise<void>): Promise<void> => {
		await next();
		const [, flow, uid] = (ctx.method === 'GET' && RETURN.exec(ctx.path)) || [];
		// When we failed, the browser may come again with the same cookie.
		const lines = uid !== undefined && ctx.status < 500 ? [remove.ofInteraction(uid)] : [];
		if (ctx.state[IS_OVER] === true || flow === 'auth') {
			const session = ctx.oidc?.session as EndableSession | undefined;
			// Only a stored session has an expiry.
			if (session?.exp !== undefined && !session.destroyed) await session.destroy();
			lines.push(remove.ofSession());
		}
		if (lines.length === 0) return;
		const others = [ctx.res.getHeader('set-cookie') ?? []].flat().map(String);
		ctx.set('set-cookie', [...others.filter((line) => !line.startsWith(sessionCookie)), ...lines]);
	};
}
