/**
 * The pages of the device flow (RFC 8628 section 3.3): type or confirm the code that a program on another screen shows. A link
 * with the code only fills it in. The person must still confirm it, because the link may come from an attacker who wants to be
 * signed in as the person who follows it (section 5.4).
 */
import { AUTH_PATH } from '@chancery/wire/identity';
import type { ErrorOut, KoaContextWithOIDC } from 'oidc-provider';
import { type Html, html } from '../pages/html.ts';
import { sendPage } from './koa-page.ts';

/** Where `fillInUserCode` stores the code for the page. */
const FILLED_IN = 'userCodeOfLink';

/** The page functions that the provider's device flow requires. */
export function devicePages(publicUrl: string) {
	const action = `${publicUrl}${AUTH_PATH}/device`;
	return {
		userCodeInputSource(ctx: KoaContextWithOIDC, _form: string, out?: ErrorOut, err?: Error): void {
			if (err?.name === 'AbortedError') {
				sendPage(ctx, { title: 'Stopped', body: html`<p class="refusal">The program is not signed in.</p>` });
				return;
			}
			const filledIn = String(ctx.state[FILLED_IN] ?? (err as { userCode?: string } | undefined)?.userCode ?? '');
			sendPage(ctx, {
				title: 'Sign in on another device',
				body: html`${err && out ? refusal(err, out) : html`<p>Enter the code that the program shows.</p>`}
<form method="post" action="${action}">
<input type="hidden" name="xsrf" value="${xsrfOf(ctx)}">
<p><label for="user_code">Code</label>
<input id="user_code" name="user_code" type="text" required autofocus autocomplete="off" maxlength="20" value="${filledIn.slice(0, 20)}"></p>
<button type="submit">Continue</button>
</form>`,
			});
		},

		userCodeConfirmSource(
			ctx: KoaContextWithOIDC,
			_form: string,
			client: { readonly clientId: string },
			_deviceInfo: unknown,
			userCode: string,
		): void {
			sendPage(ctx, {
				title: 'Is this your program?',
				body: html`<p>A program (client <strong>${client.clientId}</strong>) asks to sign in as you. Continue only if you started it
yourself and it shows this code:</p>
<p class="code">${userCode}</p>
<form method="post" action="${action}">
<input type="hidden" name="xsrf" value="${xsrfOf(ctx)}">
<input type="hidden" name="user_code" value="${userCode}">
<button type="submit" name="confirm" value="yes">Yes, continue</button>
<button type="submit" name="abort" value="yes">No, stop</button>
</form>`,
			});
		},

		successSource(ctx: KoaContextWithOIDC): void {
			sendPage(ctx, {
				title: 'You are signed in',
				body: html`<p>Go back to the program. This page can be closed.</p>`,
			});
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
export async function answerWithoutSession(ctx: KoaContextWithOIDC, next: () => Promise<void>): Promise<void> {
	try {
		await next();
	} catch (error) {
		if (!(error instanceof TypeError && SESSION_NEVER_WAS.test(error.message))) throw error;
		ctx.status = 400;
		sendErrorPage(ctx, {
			error: 'invalid_request',
			error_description: 'the cookie of this page is missing, or no sign-in has this address',
		});
	}
}

/** An OAuth error that cannot be sent to the client by redirect. */
export function sendErrorPage(ctx: KoaContextWithOIDC, out: ErrorOut): void {
	sendPage(ctx, {
		title: 'This request cannot be served',
		body: html`<p class="refusal">${out.error}${out.error_description ? `: ${out.error_description}` : ''}</p>
<p>Start again from the program that sent you here.</p>`,
	});
}

function refusal(err: Error & { userCode?: string }, out: ErrorOut): Html {
	if (err.userCode !== undefined || err.name === 'NoCodeError')
		return html`<p class="refusal">That code is not known, has expired, or was used. Check it, or start again from the program.</p>`;
	return html`<p class="refusal">${out.error}${out.error_description ? `: ${out.error_description}` : ''}</p>`;
}

/** Connects the form with the session cookie; the provider checks it. */
function xsrfOf(ctx: KoaContextWithOIDC): string {
	const state = ctx.oidc.session?.state as { secret?: string } | undefined;
	return state?.secret ?? '';
}
