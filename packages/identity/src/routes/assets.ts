/** Fonts and images of the pages: the same bytes for good under one name. */
import { DomainError } from '@chancery/chassis/domain-error';
import type { FastifyInstance } from 'fastify';
import { ASSETS_PATH, type PageAssets } from '../pages/page-assets.ts';

export function mountAssets(app: FastifyInstance, assets: PageAssets): void {
	app.get<{ Params: { name: string } }>(`${ASSETS_PATH}/:name`, async (request, reply) => {
		const asset = assets.find(request.params.name);
		if (!asset) throw new DomainError('not-found', 'There is no such file.');
		return reply.headers(asset.headers).send(Buffer.from(asset.bytes));
	});
}
