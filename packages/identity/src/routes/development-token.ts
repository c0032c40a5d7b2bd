/** Development tokens for holders of the instance's secret. */
import { mount } from '@chancery/chassis/http/mount';
import { mintDevelopmentToken } from '@chancery/wire/identity';
import type { FastifyInstance } from 'fastify';
import { type DevelopmentTokens, mintToken } from '../development/mint.ts';
import type { IdentityMetrics } from '../metrics.ts';

export function mountDevelopmentToken(
	app: FastifyInstance,
	deps: DevelopmentTokens & { readonly metrics: IdentityMetrics },
): void {
	mount(
		app,
		mintDevelopmentToken,
		async (input, request) => {
			const token = await mintToken(deps, request.headers.authorization, input.body);
			deps.metrics.count('chancery_identity_tokens_total', 1, { grant: 'development', outcome: 'issued' });
			return { status: 200, headers: { 'cache-control': 'no-store' }, body: { token } };
		},
		{ requireJson: true },
	);
}
