/** The repository as clients read it: immutable files for a year, the rest never from a cache. */
import { mount } from '@chancery/chassis/http/mount';
import { getMetadataFile, getTargetFile } from '@chancery/wire/tuf';
import type { FastifyInstance } from 'fastify';
import type { TufDeps } from '../domain/publish.ts';
import { type RepositoryFile, readMetadataFile, readTargetFile } from '../domain/read-file.ts';

export function mountRepository(app: FastifyInstance, deps: TufDeps): void {
	mount(app, getMetadataFile, async ({ params }) => reply(await readMetadataFile(deps, params.file)));
	mount(app, getTargetFile, async ({ params }) => reply(await readTargetFile(deps, params.file)));
}

function reply({ content, isImmutable }: RepositoryFile) {
	return {
		status: 200 as const,
		headers: { 'cache-control': isImmutable ? 'public, max-age=31536000, immutable' : 'no-store' },
		body: content,
	};
}
