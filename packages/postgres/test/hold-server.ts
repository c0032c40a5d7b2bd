/**
 * A supervisor in a process of its own, for tests that kill it. Arguments: the options of `startEmbedded` as JSON. Prints the
 * started server as one line of JSON, or `{"error": code, "message": text}`. Then it obeys each line of stdin: `stop`,
 * `crash` (an uncaught exception), or `hold` forever.
 */
import { createInterface } from 'node:readline';
import { type EmbeddedOptions, startEmbedded } from '../src/embedded/embedded.ts';
import type { EmbeddedPostgresError } from '../src/embedded/embedded-error.ts';

const options = JSON.parse(process.argv[2] ?? '{}') as EmbeddedOptions;
const say = (value: object) => process.stdout.write(`${JSON.stringify(value)}\n`);

try {
	const server = await startEmbedded(options);
	const { pid, runtimeDir, cluster, version } = server;
	say({ pid, runtimeDir, cluster, version, url: server.url('postgres') });
	for await (const line of createInterface(process.stdin)) {
		if (line === 'stop') {
			await server.stop();
			process.exit();
		}
		if (line === 'crash') {
			setImmediate(() => {
				throw new Error('nobody catches this');
			});
		}
	}
} catch (error) {
	say({ error: (error as EmbeddedPostgresError).code, message: String(error) });
	process.exit(1);
}
