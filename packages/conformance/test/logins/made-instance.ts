/**
 * An instance for development that `chancery init` made and `chancery serve` runs: for what `chancery up` has no settings for,
 * such as other providers of identities.
 */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EXAMPLES } from '@chancery/stack/bootstrap/init/example-answers';
import { PORT_OFFSETS } from '@chancery/stack/port-offsets';
import { freePortBase } from '@chancery/testkit/free-port';
import { createTestDatabase } from '@chancery/testkit/test-database';
import { parse, stringify } from 'yaml';
import { type Environment, mustRun } from '../init/commands.ts';
import { serve } from '../init/served-instance.ts';
import type { LoginInstance } from './desk.ts';

/** Sections of the configuration file, by service. */
export type Sections = Record<'identity' | 'ca', Record<string, unknown>>;

export interface MadeInstance {
	readonly instance: LoginInstance;
	stop(): Promise<void>;
}

/** @param settings changes the configuration, which may name variables of `environment` */
export async function startMadeInstance(
	settings: (sections: Sections) => void,
	environment: Environment = {},
): Promise<MadeInstance> {
	await using made = new AsyncDisposableStack();
	const folder = await mkdtemp(join(tmpdir(), 'chancery-made-'));
	made.defer(() => rm(folder, { recursive: true }));
	const database = await createTestDatabase();
	made.defer(() => database.drop());
	const [portBase, adminPortBase] = [await freePortBase(), await freePortBase()];
	const answers = parse(EXAMPLES.development);
	const urls = Object.fromEntries(
		Object.keys(answers.urls).map((name) => [
			name,
			`http://localhost:${portBase + PORT_OFFSETS[name as keyof typeof PORT_OFFSETS]}`,
		]),
	) as LoginInstance['urls'];
	const marks = join(folder, 'marks');
	await mkdir(marks);
	const listen = { host: '127.0.0.1', portBase, adminPortBase };
	const replaced = { urls, listen, database: { url: database.url }, marks: { folder: marks } };
	await writeFile(join(folder, 'answers.yaml'), stringify({ ...answers, ...replaced }));

	const env = { HOME: folder, ...environment };
	const data = join(folder, 'instance');
	const order = ['init', '--answers', join(folder, 'answers.yaml'), '--out', data, '--json'];
	const { fingerprint } = JSON.parse(await mustRun(env, ...order)) as { fingerprint: string };
	const config = join(data, 'chancery.yaml');
	const sections = parse(await readFile(config, 'utf8')) as Sections;
	settings(sections);
	await writeFile(config, stringify(sections));
	await mustRun(env, 'migrate', '--config', config);
	await mustRun(env, 'log', 'create', '--config', config);
	const running = await serve(env, config);
	made.defer(async () => {
		running.kill('SIGTERM');
		await running.ended;
	});
	await mustRun(env, 'trust', 'publish', '--instance', data);
	const kept = made.move();
	return {
		instance: {
			urls,
			oidcIssuer: `${urls.identity}/auth`,
			root: { path: join(data, 'trust/root.json'), sha256: fingerprint },
		},
		stop: () => kept.disposeAsync(),
	};
}
