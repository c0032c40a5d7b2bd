/**
 * The images that ours are built from and run beside. What cannot be pulled is made from Debian's packages under the same
 * name, so that the Dockerfile and the Compose file are used as they are also where there is no registry.
 */
import { copyFile, cp, mkdir, mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type Engine, runWithin } from './engine.ts';

const RECIPES = join(import.meta.dirname, 'stand-ins');
const AUTHORITIES = process.env.NODE_EXTRA_CA_CERTS ?? '/etc/ssl/certs/ca-certificates.crt';
const PULL_WITHIN_MS = 300_000;
const MIRROR = 'http://deb.debian.org/debian';

type Prepare = (folder: string) => Promise<unknown>;

/** In this order: the others are made from the first. */
const IMAGES: readonly (readonly [name: string, recipe: string | undefined, prepare: Prepare])[] = [
	['debian:trixie-slim', undefined, async () => undefined],
	['node:26-trixie-slim', 'node.Dockerfile', copyNode],
	['postgres:17', 'postgres.Dockerfile', async () => undefined],
	['nginx:stable', 'nginx.Dockerfile', async () => undefined],
];

/** @throws {Error} when one can neither be pulled nor made */
export async function provideImages(engine: Engine): Promise<void> {
	const has = (name: string) =>
		engine.docker(['image', 'inspect', name]).then(
			() => true,
			() => false,
		);
	for (const [name, recipe, prepare] of IMAGES) {
		if (await has(name)) continue;
		const pulled = await runWithin('docker', ['pull', '--quiet', name], { env: engine.env, withinMs: PULL_WITHIN_MS });
		if (pulled.code !== 0) await make(engine, name, recipe, prepare);
	}
}

async function make(engine: Engine, name: string, recipe: string | undefined, prepare: Prepare): Promise<void> {
	const folder = await mkdtemp(join(tmpdir(), 'chancery-image-'));
	try {
		if (recipe === undefined) return await importDebian(engine, name, folder);
		await cp(RECIPES, folder, { recursive: true });
		await prepare(folder);
		const how = ['--network', 'host', '--label', 'chancery.stand-in=true', '--file', join(folder, recipe)];
		await engine.docker(['build', ...how, '--tag', name, folder], { env: { DOCKER_BUILDKIT: '0' } });
	} finally {
		await rm(folder, { recursive: true, force: true });
	}
}

async function importDebian(engine: Engine, name: string, folder: string): Promise<void> {
	const root = join(folder, 'root');
	await mustRun('debootstrap', ['--variant=minbase', 'trixie', root, MIRROR]);
	const archive = join(folder, 'root.tar');
	const without = ['--exclude=./var/cache/apt/archives/*.deb', '--exclude=./var/lib/apt/lists/*'];
	await mustRun('tar', ['-C', root, ...without, '-cf', archive, '.']);
	await engine.docker(['import', '--change', 'LABEL chancery.stand-in=true', archive, name]);
}

/** The Node that runs this, and the npm of this machine. */
async function copyNode(folder: string): Promise<void> {
	await copyFile(process.execPath, join(folder, 'node'));
	const npm = dirname(dirname(await realpath(await findOnPath('npm'))));
	await mkdir(join(folder, 'npm'));
	await cp(npm, join(folder, 'npm'), { recursive: true });
	await copyFile(AUTHORITIES, join(folder, 'authorities.pem'));
}

const findOnPath = async (program: string) => (await mustRun('sh', ['-c', 'command -v "$1"', 'sh', program])).trim();

async function mustRun(program: string, args: readonly string[]): Promise<string> {
	const { code, stdout, stderr } = await runWithin(program, args);
	if (code !== 0)
		throw new Error(`${program} ${args.join(' ')}: ${`${stdout}${stderr}`.slice(-2000) || 'could not be run'}`);
	return stdout;
}
