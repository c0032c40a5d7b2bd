/** Development tokens for holders of the instance's secret. */
import { DomainError } from '@chancery/chassis/domain-error';
import { clientOf } from '@chancery/chassis/http/client-address';
import { mount } from '@chancery/chassis/http/mount';
import { mintDevelopmentToken } from '@chancery/wire/identity';
import type { FastifyInstance } from 'fastify';
import { decodeJwt } from 'jose';
import { type DevelopmentTokens, mintToken } from '../development/mint.ts';
import type { Audit } from '../domain/audit.ts';
import { countWrongGuess, type GuessDeps, refuseTooMany } from '../domain/guess-limits.ts';
import type { IdentityMetrics } from '../metrics.ts';
import { refuseForeignPages } from './interaction.ts';

export function mountDevelopmentToken(
	app: FastifyInstance,
	deps: DevelopmentTokens & GuessDeps & { readonly metrics: IdentityMetrics; readonly audit: Audit },
): void {
	mount(
		app,
		mintDevelopmentToken,
		async (input, request) => {
			const { authorization } = request.headers;
			const guess = { what: 'development-secret', from: clientOf(request.socket.remoteAddress) } as const;
			await refuseTooMany(deps, guess);
			const token = await mintToken(deps, authorization, input.body).catch(async (error: unknown) => {
				const isWrong = error instanceof DomainError && error.code === 'unauthenticated' && authorization !== undefined;
				if (isWrong) await countWrongGuess(deps, guess);
				throw error;
			});
			const { sub, email } = decodeJwt<{ email?: unknown }>(token);
			await deps.audit({
				kind: 'development-token',
				outcome: 'accepted',
				...(sub === undefined ? {} : { subject: sub }),
				...(typeof email === 'string' ? { email } : {}),
				clientAddress: request.ip,
				requestId: request.id,
			});
			deps.metrics.count('chancery_identity_tokens_total', 1, { grant: 'development', outcome: 'issued' });
			return { status: 200, headers: { 'cache-control': 'no-store' }, body: { token } };
		},
		{ requireJson: true, beforeBody: (request) => refuseForeignPages(request, deps) },
	);
}
