/**
 * The pages of the device flow (RFC 8628 section 3.3): type or confirm the code that a program on another screen shows. A link
 * with the code only fills it in. The person must still confirm it, because the link may come from an attacker who wants to be
 * signed in as the person who follows it (section 5.4).
 */
import { AUTH_PATH } from '@chancery/wire/identity';
import type { ErrorOut, KoaContextWithOIDC } from 'oidc-provider';
import { codeEntryPage, confirmPage, signedInPage, stoppedPage } from '../pages/device-pages.ts';
import type { PageFrame } from '../pages/page-frame.ts';
import { sendErrorPage } from './error-page.ts';
import { sendPage } from './koa-page.ts';

/** Where `fillInUserCode` stores the code for the page. */
const FILLED_IN = 'userCodeOfLink';

/** The page functions that the provider's device flow requires. */
export function devicePages(frame: PageFrame, publicUrl: string) {
	const action = `${publicUrl}${AUTH_PATH}/device`;
	return {
		userCodeInputSource(ctx: KoaContextWithOIDC, _form: string, out?: ErrorOut, err?: Error): void {
			const typed = String(ctx.state[FILLED_IN] ?? (err as { userCode?: string } | undefined)?.userCode ?? '');
			const form = { action, xsrf: xsrfOf(ctx), typed };
			const entry = () => codeEntryPage(err && out ? { ...form, refusal: refusalOf(err, out) } : form);
			sendPage(ctx, frame, err?.name === 'AbortedError' ? stoppedPage() : entry());
		},

		userCodeConfirmSource(
			ctx: KoaContextWithOIDC,
			_form: string,
			{ clientId }: { readonly clientId: string },
			_deviceInfo: unknown,
			userCode: string,
		): void {
			sendPage(ctx, frame, confirmPage({ action, xsrf: xsrfOf(ctx), clientId, userCode }));
		},

		successSource(ctx: KoaContextWithOIDC): void {
			sendPage(ctx, frame, signedInPage());
		},
	};
}

/**
 * Middleware for `GET /device?user_code=...`: removes the code from the query, so that the provider shows the form (filled in)
 * instead of a page whose script submits it at once.
 */
export async function fillInUserCode(ctx: KoaContextWithOIDC, next: () => Promise<void>): Promise<void> {
	if (ctx.method === 'GET' && ctx.path === '/device' && ctx.query.user_code !== undefined) {
		ctx.state[FILLED_IN] = [ctx.query.user_code].flat()[0] ?? '';
		ctx.query = {};
	}
	await next();
}

/** What oidc-provider 9 throws when it refuses a form or a link of the device flow and the browser sent no session. */
const SESSION_NEVER_WAS = /^persist can only be called on previously persisted Sessions$/;

/**
 * Middleware for the pages of the device flow. The provider stores the secret of the next form in the session, and fails when
 * there is no session. Then a browser without the cookie starts again.
 */
export function answerWithoutSession(frame: PageFrame) {
	return async (ctx: KoaContextWithOIDC, next: () => Promise<void>): Promise<void> => {
		try {
			await next();
		} catch (error) {
			if (!(error instanceof TypeError && SESSION_NEVER_WAS.test(error.message))) throw error;
			ctx.status = 400;
			sendErrorPage(ctx, frame, {
				error: 'invalid_request',
				error_description: 'the cookie of this page is missing, or no sign-in has this address',
			});
		}
	};
}

/** Who has typed a code that is not known hears that; anything else is in the words of the provider. */
function refusalOf(err: Error & { userCode?: string }, out: ErrorOut): string {
	if (err.userCode !== undefined || err.name === 'NoCodeError')
		return 'That code is not known, has expired, or was used. Check it, or start again from the program.';
	return `${out.error}${out.error_description ? `: ${out.error_description}` : ''}`;
}

/** Connects the form with the session cookie; the provider checks it. */
function xsrfOf(ctx: KoaContextWithOIDC): string {
	const state = ctx.oidc.session?.state as { secret?: string } | undefined;
	return state?.secret ?? '';
}
