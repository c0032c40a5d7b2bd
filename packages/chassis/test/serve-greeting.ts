/** A whole service in a few lines, run as a process of its own by the tests of `run`. */
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { publicUrlFindings } from '../src/config/process-findings.ts';
import { createListener } from '../src/http/listener.ts';
import { type RunDeps, run } from '../src/process/run.ts';
import type { Service } from '../src/service.ts';

const configSchema = z.strictObject({
	greeting: z.string(),
	publicUrl: z.url().optional(),
	failWith: z.string().optional(),
	startMs: z.int().default(0),
});

await run({
	name: 'greeting',
	config: configSchema,
	migrations: [],
	findings: ({ publicUrl }) => (publicUrl === undefined ? [] : publicUrlFindings('greeting.publicUrl', publicUrl)),
	open: serve,
});

async function serve({ config, logger, openKey }: RunDeps<z.output<typeof configSchema>>): Promise<Service> {
	logger.info('starting');
	await sleep(config.startMs);
	const signer = await openKey('main');
	const app = createListener({ name: 'public', logger, errors: {}, family: 'text', maxBodyBytes: 10 });
	app.get('/', async () => `${config.greeting} ${signer.algorithm}`);
	app.get('/never', () => new Promise(() => undefined));
	return {
		name: 'greeting',
		listeners: [{ name: 'public', app }],
		jobs: [
			{
				name: 'fail',
				run: async () => {
					if (config.failWith) setTimeout(() => Promise.reject(new Error(config.failWith)), 1);
				},
			},
		],
		health: async () => ({ ready: true, checks: {} }),
		close: async () => logger.info('closed'),
	};
}
