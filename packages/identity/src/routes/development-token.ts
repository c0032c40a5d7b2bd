/** Development tokens for holders of the instance's secret. */
import { mount } from '@chancery/chassis/http/mount';
import { mintDevelopmentToken } from '@chancery/wire/identity';
import type { FastifyInstance } from 'fastify';
import { type DevelopmentTokens, mintToken } from '../domain/development-token.ts';

export function mountDevelopmentToken(app: FastifyInstance, deps: DevelopmentTokens): void {
	mount(
		app,
		mintDevelopmentToken,
		async (input, request) => ({
			status: 200,
			headers: { 'cache-control': 'no-store' },
			body: { token: await mintToken(deps, request.headers.authorization, input.body) },
		}),
		{ requireJson: true },
	);
}
