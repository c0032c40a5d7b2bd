/** Our image, built from this checkout. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pageBlock } from '../page-block.ts';
import { CHECKOUT, type Engine, runWithin } from './engine.ts';
import { provideImages } from './stand-in-images.ts';

export const BUILT = {
	version: '0.0.0-test',
	revision: '0123456789abcdef0123456789abcdef01234567',
	source: 'https://example.com/chancery',
};

const BUILD = pageBlock('docs/operate/compose.md', 'compose', 'docker build');

/** @param target a stage of the Dockerfile. @returns the name under which the Compose file expects it */
export async function buildImage(engine: Engine, target: 'server' | 'dev'): Promise<string> {
	await provideImages(engine);
	// What is said last holds: the arguments of the test before those of the page.
	const told = Object.entries(BUILT).map(([key, value]) => `--build-arg ${key.toUpperCase()}=${value}`);
	const command = [BUILD.replaceAll('server', target), '--network host', ...told].join(' ');
	const { code, stdout, stderr } = await runWithin('bash', ['-c', command], { folder: CHECKOUT, env: engine.env });
	if (code !== 0) throw new Error(`${command}: ${code ?? 'took too long'}\n${`${stdout}${stderr}`.slice(-4000)}`);
	return `chancery:${target}`;
}

export const versionOfPnpm = async (): Promise<string> =>
	/pnpm@([0-9.]+) install/.exec(await readFile(join(CHECKOUT, 'package.json'), 'utf8'))?.[1] ?? '';
