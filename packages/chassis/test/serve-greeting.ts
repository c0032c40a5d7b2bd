/** A whole service in a few lines, run as a process of its own by the tests of `run`. */
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { publicUrlFindings } from '../src/config/process-findings.ts';
import { createListener } from '../src/http/listener.ts';
import { run } from '../src/process/run.ts';
import type { Service } from '../src/service.ts';
import { defineService, type StoringDeps } from '../src/service-definition.ts';

const configSchema = z.strictObject({
	greeting: z.string(),
	publicUrl: z.url().optional(),
	failWith: z.string().optional(),
	startMs: z.int().default(0),
});

await run(
	defineService({
		name: 'greeting',
		keys: { main: { purpose: 'Shows its algorithm.', algorithm: 'ed25519' } },
		listeners: { public: 'greeting' },
		trustReports: [],
		config: () => configSchema,
		migrations: [],
		openMarks: () => ({}),
		publicUrls: () => ({}),
		findings: ({ publicUrl }) => (publicUrl === undefined ? [] : publicUrlFindings('greeting.publicUrl', publicUrl)),
		open: serve,
	}),
);

async function serve({
	config,
	logger,
	signers,
}: StoringDeps<z.output<typeof configSchema>, 'main'>): Promise<Service> {
	logger.info('starting');
	await sleep(config.startMs);
	const app = createListener({ name: 'public', logger, errors: {}, family: 'text', maxBodyBytes: 10 });
	app.get('/', async () => `${config.greeting} ${signers.main.algorithm}`);
	// A client waits for its answer while the service is told to stop.
	app.post('/slow', async (request) => {
		logger.info('slow request');
		await sleep(150);
		return `got ${Buffer.from(request.body as Uint8Array)}`;
	});
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
