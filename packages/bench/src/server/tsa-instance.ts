/** The timestamp authority that is measured: a key, a chain, and the second it reached in a file. */
import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { parsePem } from '@chancery/core/pem';
import { createFileKey } from '@chancery/keys/file/file-key';
import { freePort } from '@chancery/testkit/free-port';
import { tsa } from '@chancery/tsa/definition';
import { createTsaChain } from '@chancery/tsa/tsa-chain';
import type { ServerUnderTest } from './server-under-test.ts';
import { startServiceProcess } from './service-process.ts';

export interface TsaFiles {
	readonly folder: string;
	/** PEM, PKCS#8. */
	readonly keyFile: string;
	readonly chainPem: string;
	/** DER, the certificate of the authority first, the root last. */
	readonly chain: readonly Uint8Array[];
}

/** Makes keys and chain below `folder`. */
export async function makeTsaFiles(folder: string): Promise<TsaFiles> {
	await mkdir(folder, { recursive: true });
	const keyFile = join(folder, 'tsa.pem');
	const { chainPem } = await createTsaChain({
		rootSigner: await createFileKey(join(folder, 'root.pem'), 'ecdsa-sha2-256-nistp256'),
		leafSigner: await createFileKey(keyFile, 'ecdsa-sha2-256-nistp256'),
		organization: 'Chancery benchmark',
		commonName: 'timestamp authority',
		notBefore: new Date(Date.now() - 60_000),
		random: randomBytes,
	});
	return { folder, keyFile, chainPem, chain: parsePem(chainPem).map(({ der }) => der) };
}

/** @throws {Error} with the end of its log when it does not come up */
export async function startTsaServer(files: TsaFiles, logLevel: string): Promise<ServerUnderTest> {
	const port = await freePort();
	const process = await startServiceProcess({
		service: tsa,
		folder: files.folder,
		ports: [port],
		section: {
			publicUrl: `http://localhost:${port}`,
			chainPem: files.chainPem,
			markFile: join(files.folder, 'tsa.mark'),
			keys: { signer: { uri: `file:${files.keyFile}` } },
			listen: { public: { host: '127.0.0.1', port }, admin: { host: '127.0.0.1', port: 0 } },
		},
		sections: { profile: 'development', logging: { level: logLevel, json: true } },
	});
	return {
		name: 'chancery',
		settings: { 'log level': logLevel },
		target: (wire) => {
			if (wire !== 'tsa') throw new Error(`a timestamp authority has no wire ${wire}`);
			return { host: '127.0.0.1', port, wire, chain: files.chain };
		},
		pids: [process.pid],
		databasePid: undefined,
		probe: process.probe,
		stop: process.stop,
	};
}
