/** Replicas of the identity provider as an operator runs them, in processes that can be killed, and a balancer before them. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(import.meta.resolve('@chancery/identity/main'));
const START_WITHIN_MS = 60_000;
const LOOK_MS = 50;

export interface ReplicaPlace {
	readonly folder: string;
	readonly databaseUrl: string;
	readonly port: number;
	readonly adminPort: number;
	/** The section `identity`, without `listen`. */
	readonly identity: object;
}

export class IdentityReplica {
	readonly port: number;
	readonly #child: ChildProcess;
	#words = '';

	private constructor(port: number, child: ChildProcess) {
		this.port = port;
		this.#child = child;
		for (const stream of [child.stdout, child.stderr])
			stream?.on('data', (chunk: Buffer) => {
				this.#words = (this.#words + chunk.toString()).slice(-8_000);
			});
	}

	/** Returns when it answers. */
	static async start({ folder, databaseUrl, port, adminPort, identity }: ReplicaPlace): Promise<IdentityReplica> {
		const path = join(folder, `replica-${port}.yaml`);
		const listen = { public: { host: '127.0.0.1', port }, admin: { host: '127.0.0.1', port: adminPort } };
		const configuration = {
			profile: 'development',
			database: { url: databaseUrl },
			identity: { ...identity, listen },
		};
		// JSON is YAML.
		await writeFile(path, JSON.stringify(configuration));
		const child = spawn(process.execPath, [MAIN, '--config', path], {
			// It starts once per kill.
			env: { ...process.env, NODE_COMPILE_CACHE: join(folder, 'compiled') },
			stdio: ['ignore', 'pipe', 'pipe'],
		});
		const replica = new IdentityReplica(port, child);
		const deadline = performance.now() + START_WITHIN_MS;
		for (;;) {
			const isUp = await fetch(`http://127.0.0.1:${port}/status`).then(
				({ ok }) => ok,
				() => false,
			);
			if (isUp) return replica;
			if (child.exitCode !== null || performance.now() > deadline)
				throw new Error(`the identity provider does not start (${child.exitCode}): ${replica.#words}`);
			await sleep(LOOK_MS);
		}
	}

	get isAlive(): boolean {
		return this.#child.exitCode === null && this.#child.signalCode === null;
	}

	/** SIGKILL; returns when it is gone. */
	async kill(): Promise<void> {
		if (!this.isAlive) return;
		const gone = once(this.#child, 'exit');
		this.#child.kill('SIGKILL');
		await gone;
	}
}

/**
 * Sends every request to the first replica that lives, as a balancer does that looks at its backends. One that dies with a
 * request in it is a 502 for that request.
 */
export class Balancer {
	readonly url: string;
	readonly #server: Server;
	#backends: readonly IdentityReplica[] = [];

	private constructor(server: Server, port: number) {
		this.#server = server;
		this.url = `http://127.0.0.1:${port}`;
	}

	static async listen(port: number): Promise<Balancer> {
		const server = createServer((asked, answer) => balancer.#forward(asked, answer));
		const balancer = new Balancer(server, port);
		await once(server.listen(port, '127.0.0.1'), 'listening');
		return balancer;
	}

	use(backends: readonly IdentityReplica[]): void {
		this.#backends = backends;
	}

	async close(): Promise<void> {
		this.#server.closeAllConnections();
		await once(this.#server.close(), 'close');
	}

	#forward(asked: IncomingMessage, answer: ServerResponse): void {
		const backend = this.#backends.find(({ isAlive }) => isAlive);
		const fail = () => {
			if (!answer.headersSent) answer.writeHead(502);
			answer.end();
		};
		if (!backend) {
			fail();
			return;
		}
		const { method, url, headers } = asked;
		const forwarded = request({ host: '127.0.0.1', port: backend.port, method, path: url, headers, agent: false });
		forwarded.on('error', fail).on('response', (response) => {
			answer.writeHead(response.statusCode ?? 502, response.headers);
			response.on('error', fail).pipe(answer);
		});
		asked.pipe(forwarded);
	}
}
