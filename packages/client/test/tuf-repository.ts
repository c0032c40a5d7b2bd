/** A TUF repository in memory behind a real server, signed with one key and without any service of ours. */
import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { olpcCanonicalJson } from '@chancery/core/olpc-json';

const sha256Hex = (bytes: Uint8Array | string) => createHash('sha256').update(bytes).digest('hex');

export class TufRepository {
	readonly #key = generateKeyPairSync('ed25519');
	/** Path -> content. Tests change it. */
	readonly files = new Map<string, Uint8Array>();
	readonly asked: string[] = [];
	/** A request for this path gets no answer. */
	hangsAt: string | undefined;
	/** The number of next requests that are answered with 503. */
	turnsAway = 0;
	readonly #server: Server;
	url = '';

	private constructor() {
		this.#server = createServer((request, response) => {
			const path = request.url ?? '';
			this.asked.push(path);
			if (path === this.hangsAt) return;
			if (this.turnsAway > 0) {
				this.turnsAway--;
				response.writeHead(503, { 'retry-after': '0' }).end();
				return;
			}
			const content = this.files.get(path);
			response.writeHead(content ? 200 : 404).end(content);
		});
	}

	static async start(): Promise<TufRepository> {
		const repository = new TufRepository();
		await new Promise<void>((resolve) => repository.#server.listen(0, '127.0.0.1', resolve));
		repository.url = `http://127.0.0.1:${(repository.#server.address() as AddressInfo).port}`;
		return repository;
	}

	async close(): Promise<void> {
		this.#server.closeAllConnections();
		await new Promise((resolve) => this.#server.close(resolve));
	}

	/** What a user obtained in a way that they trust. */
	get initialRoot(): Uint8Array {
		return this.files.get('/1.root.json')!;
	}

	/** Publishes these targets; everything except the root gets this version. */
	publish(targets: Readonly<Record<string, string>>, version = 1, expiresMs: number = Date.now() + 86_400_000): void {
		const expires = `${new Date(expiresMs).toISOString().slice(0, 19)}Z`;
		const header = { spec_version: '1.0.31', version, expires };
		// A published root never changes.
		if (!this.files.has('/1.root.json')) this.publishRoot(1);
		const described = Object.entries(targets).map(([name, content]) => {
			const hash = sha256Hex(content);
			this.files.set(`/targets/${hash}.${name}`, Buffer.from(content));
			return [name, { length: Buffer.byteLength(content), hashes: { sha256: hash } }];
		});
		this.#put(`/${version}.targets.json`, { _type: 'targets', ...header, targets: Object.fromEntries(described) });
		this.#put(`/${version}.snapshot.json`, { _type: 'snapshot', ...header, meta: { 'targets.json': { version } } });
		this.#put('/timestamp.json', { _type: 'timestamp', ...header, meta: { 'snapshot.json': { version } } });
	}

	publishRoot(version: number, expires = '2099-01-01T00:00:00Z'): void {
		const role = { keyids: [this.#keyId], threshold: 1 };
		this.#put(`/${version}.root.json`, {
			_type: 'root',
			spec_version: '1.0.31',
			version,
			expires,
			consistent_snapshot: true,
			keys: { [this.#keyId]: this.#tufKey },
			roles: { root: role, targets: role, snapshot: role, timestamp: role },
		});
	}

	get #tufKey() {
		const spki = this.#key.publicKey.export({ type: 'spki', format: 'der' });
		return { keytype: 'ed25519', scheme: 'ed25519', keyval: { public: spki.subarray(-32).toString('hex') } };
	}

	get #keyId(): string {
		return sha256Hex(olpcCanonicalJson(this.#tufKey));
	}

	#put(path: string, signed: object): void {
		const sig = sign(null, olpcCanonicalJson(signed), this.#key.privateKey).toString('hex');
		this.files.set(path, Buffer.from(JSON.stringify({ signatures: [{ keyid: this.#keyId, sig }], signed })));
	}
}
