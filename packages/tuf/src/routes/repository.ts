/** The repository as clients read it: immutable files for a year, the rest never from a cache. */
import { mount } from '@chancery/chassis/mount';
import { getMetadataFile, getTargetFile } from '@chancery/wire/tuf';
import type { FastifyInstance } from 'fastify';
import type { TufDeps } from '../domain/publish.ts';
import { type RepositoryFile, readMetadataFile, readTargetFile } from '../domain/read-file.ts';

export function mountRepository(app: FastifyInstance, deps: TufDeps): void {
	mount(app, getMetadataFile, async ({ params }) =>
		reply(await readMetadataFile(deps, params.file), 'application/json'),
	);
	const answerTarget = async (file: string) => reply(await readTargetFile(deps, file), 'application/octet-stream');
	mount(app, getTargetFile, ({ params }) => answerTarget(params.file));
	// @sigstore/tuf asks for `//targets/...` when its mirror URL ends in a slash.
	mount(app, { ...getTargetFile, path: '//targets/:file' }, ({ params }) => answerTarget(params.file));
}

function reply({ content, isImmutable }: RepositoryFile, contentType: string) {
	return {
		status: 200 as const,
		contentType,
		headers: { 'cache-control': isImmutable ? 'public, max-age=31536000, immutable' : 'no-store' },
		body: content,
	};
}
