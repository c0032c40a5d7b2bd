/**
 * Images as archives that a node imports: the one that `deploy/docker/Dockerfile` builds, and the one that holds the network
 * of a pod, which is made here, because containerd wants it and no registry is asked.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buildImage } from '../containers/built-image.ts';
import { openEngine } from '../containers/engine.ts';
import { runProgram } from './control-plane.ts';

/** As the chart is told. Nothing is pulled: the node has it. */
export const SERVER_IMAGE = { repository: 'chancery', tag: 'server', pullPolicy: 'Never' };

interface ImageRequest {
	/** Name with tag, as pods name it. */
	readonly name: string;
	/** What becomes its root. */
	readonly rootFolder: string;
	readonly entrypoint: readonly string[];
}

/** Builds the image of this checkout with a real engine. @param compose program of Compose. @returns path of the archive */
export async function saveServerImage(compose: string, folder: string): Promise<string> {
	const archive = join(folder, 'server.tar');
	const engine = await openEngine(compose);
	try {
		await engine.docker(['save', '--output', archive, await buildImage(engine, 'server')]);
	} finally {
		await engine.end();
	}
	return archive;
}

/** Writes an archive in the layout of OCI images, with one layer. @returns its path */
async function writeImage(request: ImageRequest, folder: string): Promise<string> {
	const blobs = join(folder, 'blobs', 'sha256');
	await mkdir(blobs, { recursive: true });
	const layerFile = join(folder, 'layer.tar');
	await runProgram('tar', ['--numeric-owner', '-C', request.rootFolder, '-cf', layerFile, '.']);
	const layer = { ...(await describe(layerFile)), mediaType: 'application/vnd.oci.image.layer.v1.tar' };
	await rename(layerFile, join(blobs, layer.digest.slice('sha256:'.length)));
	const put = async (mediaType: string, value: object) => {
		const text = JSON.stringify(value);
		const hex = createHash('sha256').update(text).digest('hex');
		await writeFile(join(blobs, hex), text);
		return { mediaType, digest: `sha256:${hex}`, size: Buffer.byteLength(text) };
	};
	const config = await put('application/vnd.oci.image.config.v1+json', {
		architecture: process.arch === 'x64' ? 'amd64' : process.arch,
		os: 'linux',
		config: {
			Entrypoint: request.entrypoint,
			User: '65532:65532',
		},
		rootfs: { type: 'layers', diff_ids: [layer.digest] },
		history: [{ created_by: 'test' }],
	});
	const manifestType = 'application/vnd.oci.image.manifest.v1+json';
	const manifest = await put(manifestType, { schemaVersion: 2, mediaType: manifestType, config, layers: [layer] });
	const annotations = { 'io.containerd.image.name': request.name, 'org.opencontainers.image.ref.name': request.name };
	await writeFile(
		join(folder, 'index.json'),
		JSON.stringify({ schemaVersion: 2, manifests: [{ ...manifest, annotations }] }),
	);
	await writeFile(join(folder, 'oci-layout'), JSON.stringify({ imageLayoutVersion: '1.0.0' }));
	const archive = `${folder}.tar`;
	await runProgram('tar', ['-C', folder, '-cf', archive, 'blobs', 'index.json', 'oci-layout']);
	return archive;
}

async function describe(path: string): Promise<{ digest: string; size: number }> {
	const hash = createHash('sha256');
	for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
	return { digest: `sha256:${hash.digest('hex')}`, size: (await stat(path)).size };
}

/** Of the program that holds the network of a pod: it waits. @returns path of the archive */
export async function makePauseImage(folder: string): Promise<string> {
	const rootFolder = join(folder, 'pause-root');
	await mkdir(rootFolder, { recursive: true });
	await writeFile(
		join(rootFolder, 'pause.c'),
		'#include <unistd.h>\n#include <signal.h>\nstatic void end(int s){(void)s;_exit(0);}\nint main(void){signal(SIGTERM,end);signal(SIGINT,end);for(;;)pause();}\n',
	);
	await runProgram('cc', ['-static', '-o', join(rootFolder, 'pause'), join(rootFolder, 'pause.c')]);
	return writeImage({ name: 'localhost/pause:1', rootFolder, entrypoint: ['/pause'] }, join(folder, 'pause'));
}
