/**
 * Fulcio as the peer of a comparison: with our keys and chain, our identity provider, and our CT log, whose SCTs it verifies too.
 * README.md says how to get the program.
 */
import { spawn } from 'node:child_process';
import { createPrivateKey, randomBytes } from 'node:crypto';
import { closeSync, openSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { encodePem } from '@chancery/core/pem';
import { freePort } from '@chancery/testkit/free-port';
import type { CaInstance } from './ca-instance.ts';
import { waitForHealth } from './health.ts';
import type { ServerUnderTest } from './server-under-test.ts';
import { stopChild } from './service-process.ts';

/** Starts it with its files below `folder`. It records no intents and stores no certificates. */
export async function startFulcio(
	bin: string,
	folder: string,
	{ files, ctLogPid, databasePid }: CaInstance,
): Promise<ServerUnderTest> {
	await mkdir(folder, { recursive: true });
	const passphrase = randomBytes(16).toString('hex');
	const at = (name: string) => join(folder, name);
	// It accepts encrypted keys only.
	const key = createPrivateKey(await readFile(files.issuingKeyFile));
	const encrypted = key.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase });
	await writeFile(at('key.pem'), encrypted, { mode: 0o600 });
	await writeFile(at('chain.pem'), files.chainPem);
	await writeFile(at('ctlog.pem'), encodePem('PUBLIC KEY', files.ctLog.publicKey));
	const issuer = { IssuerURL: files.issuer.url, ClientID: 'sigstore', Type: 'email' };
	// In JSON its names differ from those in YAML.
	await writeFile(at('config.yaml'), JSON.stringify({ OIDCIssuers: { [files.issuer.url]: issuer } }));
	const [port, grpcPort, metricsPort] = [await freePort(), await freePort(), await freePort()];
	const logFile = at('server.log');
	const output = openSync(logFile, 'w');
	const args = [
		'serve',
		'--host=127.0.0.1',
		`--port=${port}`,
		'--grpc-host=127.0.0.1',
		`--grpc-port=${grpcPort}`,
		`--metrics-port=${metricsPort}`,
		`--legacy-unix-domain-socket=@chancery-bench-${port}`,
		'--ca=fileca',
		`--fileca-cert=${at('chain.pem')}`,
		`--fileca-key=${at('key.pem')}`,
		`--fileca-key-passwd=${passphrase}`,
		'--fileca-watch=false',
		`--ct-log-url=http://127.0.0.1:${files.ctLog.port}`,
		`--ct-log-public-key-path=${at('ctlog.pem')}`,
		`--config-path=${at('config.yaml')}`,
		'--log_type=prod',
	];
	const child = spawn(bin, args, { stdio: ['ignore', output, output] });
	closeSync(output);
	await waitForHealth(child, `http://127.0.0.1:${port}/healthz`, logFile);
	return {
		name: 'fulcio',
		settings: { ca: 'fileca', 'log type': 'prod' },
		target: (wire) => {
			if (wire !== 'ca') throw new Error(`fulcio has no wire ${wire}`);
			return { host: '127.0.0.1', port, wire, issuer: files.issuer, chain: files.chain, ctLog: files.ctLog };
		},
		pids: [child.pid ?? 0, ctLogPid],
		databasePid,
		stop: () => stopChild(child),
	};
}
