/** Our image, built from this checkout. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CHECKOUT, type Engine } from './engine.ts';
import { provideImages } from './stand-in-images.ts';

export const BUILT = {
	version: '0.0.0-test',
	revision: '0123456789abcdef0123456789abcdef01234567',
	source: 'https://example.com/chancery',
};

/** @param target a stage of the Dockerfile. @returns the name under which the Compose file expects it */
export async function buildImage(engine: Engine, target: 'server' | 'dev'): Promise<string> {
	await provideImages(engine);
	const name = `chancery:${target}`;
	const told = Object.entries(BUILT).flatMap(([key, value]) => ['--build-arg', `${key.toUpperCase()}=${value}`]);
	const what = ['--file', join(CHECKOUT, 'deploy/docker/Dockerfile'), '--target', target, '--tag', name];
	await engine.docker(['build', '--network', 'host', ...what, ...told, CHECKOUT]);
	return name;
}

export const versionOfPnpm = async (): Promise<string> =>
	/pnpm@([0-9.]+) install/.exec(await readFile(join(CHECKOUT, 'package.json'), 'utf8'))?.[1] ?? '';
