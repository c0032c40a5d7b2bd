/** Limits guesses of user codes at the page where people type them (RFC 8628 section 5.1). */
import { DomainError } from '@chancery/chassis/domain-error';
import { clientOf } from '@chancery/chassis/http/client-address';
import { asPassingFailure } from '@chancery/chassis/passing-failure';
import type { KoaContextWithOIDC } from 'oidc-provider';
import { countWrongGuess, type Guess, type GuessDeps, refuseTooMany } from '../domain/guess-limits.ts';
import { IDENTITY_ERRORS } from '../errors.ts';
import type { PageFrame } from '../pages/page-frame.ts';
import { sendErrorPage } from './error-page.ts';

/** What the chance of a hit in `guess-limits.ts` is computed from. */
export const USER_CODES = { charset: 'base-20', mask: '****-****' } as const;

/** Where `noteWrongCode` leaves word for the middleware. */
const WAS_WRONG = 'userCodeWasWrong';

/** For the page that asks again: the library's error carries the code exactly when the code was the reason. */
export function noteWrongCode(ctx: KoaContextWithOIDC, error: Error | undefined): void {
	if ((error as { userCode?: string } | undefined)?.userCode !== undefined) ctx.state[WAS_WRONG] = true;
}

/** Middleware for `POST /device`. */
export function limitUserCodes(deps: GuessDeps & { readonly frame: PageFrame }) {
	return async (ctx: KoaContextWithOIDC, next: () => Promise<void>): Promise<void> => {
		if (ctx.method !== 'POST' || ctx.path !== '/device') return next();
		const guess: Guess = { what: 'user-code', from: clientOf(ctx.req.socket.remoteAddress) };
		try {
			await refuseTooMany(deps, guess);
			await next();
			if (ctx.state[WAS_WRONG] === true) await countWrongGuess(deps, guess);
		} catch (error) {
			refuse(ctx, deps.frame, error);
		}
	};
}

function refuse(ctx: KoaContextWithOIDC, frame: PageFrame, error: unknown): void {
	const known = asPassingFailure(error);
	if (!(known instanceof DomainError) || !Object.hasOwn(IDENTITY_ERRORS, known.code)) throw error;
	ctx.status = IDENTITY_ERRORS[known.code as keyof typeof IDENTITY_ERRORS].status;
	ctx.set({ 'retry-after': String(known.retryAfterSeconds ?? 1) });
	sendErrorPage(ctx, frame, { error: known.code, error_description: known.detail });
}
