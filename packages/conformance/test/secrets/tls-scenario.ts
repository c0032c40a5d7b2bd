/** A service whose public listener speaks TLS: what clients do with it, and what happens when its key file changes. */
import { copyFile, readFile, writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ConnectionOptions, connect } from 'node:tls';
import type { ServicesScenario } from './services-scenario.ts';

/** Files are read again every ten seconds, and a fault in them is reported at the second reading. */
const NOTICED_WITHIN_MS = 30_000;

export async function runTlsScenario(scenario: ServicesScenario): Promise<void> {
	const { testbed, recorder } = scenario;
	const plain = testbed.urls['tsa public'] ?? '';
	const { port } = new URL(plain);
	const { listen } = testbed.config.tsa as { listen: { public: object } };
	const overTls = { listen: { ...listen, public: { ...listen.public, tls: testbed.tls } } };
	const service = await scenario.serve('tsa', 'trace', {}, overTls);
	const keep = (place: string, text: string) => scenario.kept.push({ place, bytes: Buffer.from(text), isDeep: true });

	keep('answer over TLS', await chainOverTls(Number(port), testbed.tlsAuthority));
	// Clients that trust another authority, use an old version of TLS, or use no TLS at all.
	keep('answer to a foreign client over TLS', await shake(Number(port), {}));
	const old: ConnectionOptions = { ca: testbed.tlsAuthority, minVersion: 'TLSv1', maxVersion: 'TLSv1.1' };
	keep('answer to an old client over TLS', await shake(Number(port), old));
	await recorder.ask('of a listener that speaks TLS', `${plain}/api/v1/timestamp/certchain`);
	await recorder.abandon(plain, '\x16\x03\x01\xff\xff garbage');

	// A key that does not belong to the certificate: the old pair stays, and the log says why.
	const right = await readFile(testbed.tls.keyFile);
	await copyFile(testbed.keyFile.path, testbed.tls.keyFile);
	for (const endMs = performance.now() + NOTICED_WITHIN_MS; performance.now() < endMs; await sleep(500))
		if (service.text('stderr').includes('the TLS files cannot be used')) break;
	keep('answer over TLS after a bad change', await chainOverTls(Number(port), testbed.tlsAuthority));
	await writeFile(testbed.tls.keyFile, right);
	await service.end();
	scenario.exits.set(
		'TLS files that cannot be used',
		service.text('stderr').includes('the TLS files cannot be used') ? 0 : 'untold',
	);
}

/** Head and body of the certificate chain, as received by a client that trusts the authority. */
function chainOverTls(port: number, ca: string): Promise<string> {
	return new Promise((resolve, reject) => {
		const asked = request({ host: 'localhost', port, path: '/api/v1/timestamp/certchain', ca }, (answer) => {
			let text = `${answer.statusCode} ${JSON.stringify(answer.headers)}\n`;
			answer.setEncoding('utf8');
			answer.on('data', (chunk: string) => {
				text += chunk;
			});
			answer.on('end', () => (answer.statusCode === 200 ? resolve(text) : reject(new Error(text))));
		});
		asked.on('error', reject);
		asked.end();
	});
}

/** The error of a client whose handshake must fail. */
function shake(port: number, options: ConnectionOptions): Promise<string> {
	return new Promise((resolve, reject) => {
		const socket = connect({ host: 'localhost', port, ...options }, () => reject(new Error('the handshake succeeded')));
		socket.on('error', (error) => resolve(`${error.message}\n${error.stack}`));
	});
}
