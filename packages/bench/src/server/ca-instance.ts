/**
 * The measured certificate authority with what it needs: a CT log in a process of its own, a database that both share, and an
 * identity provider.
 */
import { randomBytes } from 'node:crypto';
import { chmod, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createCaChain } from '@chancery/ca/ca-chain';
import { ca } from '@chancery/ca/definition';
import { encodePem } from '@chancery/core/pem';
import { sha256 } from '@chancery/core/sha';
import { ctlog } from '@chancery/ctlog/definition';
import { insertAcceptedRoot } from '@chancery/ctlog/tested/accepted-roots';
import { createFileKey } from '@chancery/keys/file/file-key';
import { migrateAll } from '@chancery/postgres/migrate';
import { freePort } from '@chancery/testkit/free-port';
import type { CaTarget } from '../load/messages.ts';
import { BenchDatabase } from './bench-database.ts';
import type { ServerUnderTest } from './server-under-test.ts';
import { type ServiceProcess, startServiceProcess } from './service-process.ts';
import { startTokenIssuer } from './token-issuer.ts';

export interface CaFiles {
	readonly folder: string;
	/** DER, the issuing certificate first, the root last. */
	readonly chain: readonly Uint8Array[];
	readonly chainPem: string;
	/** PEM, PKCS#8. */
	readonly issuingKeyFile: string;
	readonly issuer: CaTarget['issuer'];
	readonly ctLog: CaTarget['ctLog'];
}

export class CaInstance {
	readonly files: CaFiles;
	readonly #database: BenchDatabase;
	readonly #ctLog: ServiceProcess;
	readonly #stack: AsyncDisposableStack;

	private constructor(files: CaFiles, database: BenchDatabase, ctLog: ServiceProcess, stack: AsyncDisposableStack) {
		this.files = files;
		this.#database = database;
		this.#ctLog = ctLog;
		this.#stack = stack;
	}

	/** Makes keys, chain and database below `folder`, and starts the CT log. */
	static async create(folder: string, logLevel: string): Promise<CaInstance> {
		await using stack = new AsyncDisposableStack();
		// For root: the user the database runs as has to pass.
		await mkdir(folder, { recursive: true });
		await chmod(folder, 0o711);
		for (const name of ['keys', 'marks']) await mkdir(join(folder, name), { mode: 0o700 });
		const keyFile = (name: string) => join(folder, 'keys', `${name}.pem`);
		const [rootSigner, issuingSigner, ctLogSigner] = await Promise.all(
			['root', 'issuing', 'ctlog'].map((name) => createFileKey(keyFile(name), 'ecdsa-sha2-256-nistp256')),
		);
		const { root, issuing } = await createCaChain({
			rootSigner: rootSigner!,
			issuingSigner: issuingSigner!,
			organization: 'Chancery benchmark',
			commonName: 'development authority',
			notBefore: new Date(Date.now() - 60_000),
			random: randomBytes,
		});
		const database = await BenchDatabase.create(join(folder, 'data'));
		stack.defer(() => database.close());
		for (const { migrations } of [ca, ctlog]) await migrateAll(database.sql, migrations);
		const issuer = await startTokenIssuer();
		stack.defer(() => issuer.close());

		const port = await freePort();
		const section = {
			publicUrl: `http://localhost:${port}`,
			markFile: join(folder, 'marks', 'ctlog.mark'),
			admin: noTokens(),
		};
		await ctlog.createLogs?.({
			database: database.sql,
			config: ctlog.config().parse(section),
			profile: 'development',
			signers: { signer: ctLogSigner! },
		});
		const ctLog = await startServiceProcess({
			service: ctlog,
			folder,
			ports: [port],
			section: {
				...section,
				keys: { signer: { uri: `file:${keyFile('ctlog')}` } },
				listen: { public: { host: '127.0.0.1', port }, admin: { host: '127.0.0.1', port: 0 } },
			},
			sections: processSections(database, logLevel),
		});
		stack.defer(() => ctLog.stop());
		// What an operator does through the admin listener.
		await insertAcceptedRoot(database.sql, {
			sha256: sha256(root),
			certificate: root,
			report: '{}',
			registeredBy: 'bench',
			registeredAt: new Date(Date.now()),
		});
		const files: CaFiles = {
			folder,
			chain: [issuing, root],
			chainPem: encodePem('CERTIFICATE', issuing) + encodePem('CERTIFICATE', root),
			issuingKeyFile: keyFile('issuing'),
			issuer: issuer.target,
			ctLog: { host: '127.0.0.1', port, publicKey: ctLogSigner!.publicKey },
		};
		return new CaInstance(files, database, ctLog, stack.move());
	}

	get ctLogPid(): number {
		return this.#ctLog.pid;
	}

	get databasePid(): number {
		return this.#database.pid;
	}

	/** Starts the authority itself. @throws {Error} with the end of its log when it does not come up */
	async start(logLevel: string): Promise<ServerUnderTest> {
		const { folder, chain, chainPem, issuingKeyFile, issuer, ctLog } = this.files;
		const port = await freePort();
		const process = await startServiceProcess({
			service: ca,
			folder,
			ports: [port],
			section: {
				publicUrl: `http://localhost:${port}`,
				chainPem,
				ctlog: { url: `http://127.0.0.1:${ctLog.port}`, publicKeyPem: encodePem('PUBLIC KEY', ctLog.publicKey) },
				issuers: [{ type: 'email', issuer: issuer.url, audience: 'sigstore' }],
				admin: noTokens(),
				keys: { issuing: { uri: `file:${issuingKeyFile}` } },
				listen: { public: { host: '127.0.0.1', port }, admin: { host: '127.0.0.1', port: 0 } },
			},
			sections: processSections(this.#database, logLevel),
		});
		return {
			name: 'chancery',
			settings: { ...(await this.#database.settings()), 'log level': logLevel },
			target: (wire) => {
				if (wire !== 'ca') throw new Error(`a certificate authority has no wire ${wire}`);
				return { host: '127.0.0.1', port, wire, issuer, chain, ctLog };
			},
			pids: [process.pid, this.ctLogPid],
			databasePid: this.databasePid,
			probe: process.probe,
			companionProbe: this.#ctLog.probe,
			stop: process.stop,
		};
	}

	/** Certificates whose outcome is recorded, each with its intent. */
	async countStored(): Promise<number> {
		const [row] = await this.#database.sql.query<{ issued: number }>(
			`select count(*) as issued from ca.issuance join ca.outcome using (serial) where state = 'issued'`,
		);
		return row?.issued ?? 0;
	}

	close(): Promise<void> {
		return this.#stack.disposeAsync();
	}
}

function processSections(database: BenchDatabase, logLevel: string) {
	return {
		profile: 'development',
		database: { url: database.url },
		logging: { level: logLevel, json: true },
	};
}

/** No client uses the admin listener. */
function noTokens() {
	return { tokens: [] };
}
