/** timestamp-authority as the other side of a comparison, with our key and chain. README.md says how to get the program. */
import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort } from '@chancery/testkit/free-port';
import { waitForHealth } from './health.ts';
import type { ServerUnderTest } from './server-under-test.ts';
import { stopChild } from './service-process.ts';
import type { TsaFiles } from './tsa-instance.ts';

export async function startTimestampServer(bin: string, folder: string, files: TsaFiles): Promise<ServerUnderTest> {
	await mkdir(folder, { recursive: true });
	const chainFile = join(folder, 'chain.pem');
	await writeFile(chainFile, files.chainPem);
	const port = await freePort();
	const logFile = join(folder, 'server.log');
	const output = openSync(logFile, 'w');
	const args = [
		'serve',
		'--host=127.0.0.1',
		`--port=${port}`,
		'--timestamp-signer=file',
		`--file-signer-key-path=${files.keyFile}`,
		`--certificate-chain-path=${chainFile}`,
		'--disable-ntp-monitoring',
		'--log-type=prod',
	];
	const child = spawn(bin, args, { stdio: ['ignore', output, output] });
	closeSync(output);
	await waitForHealth(child, `http://127.0.0.1:${port}/ping`, logFile);
	return {
		name: 'timestamp-authority',
		settings: { signer: 'file', ntp: 'off', 'log type': 'prod' },
		target: (wire) => {
			if (wire !== 'tsa') throw new Error(`timestamp-authority has no wire ${wire}`);
			return { host: '127.0.0.1', port, wire, chain: files.chain };
		},
		pids: [child.pid ?? 0],
		databasePid: undefined,
		stop: () => stopChild(child),
	};
}
