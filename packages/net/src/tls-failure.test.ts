/** What the runtime throws at real servers, and what is made of it. */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer as createPlainServer } from 'node:http';
import { createServer, get } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getMetadataFile } from '@chancery/wire/tuf';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { call } from './call.ts';
import { explainTlsFailure } from './tls-failure.ts';

const folder = mkdtempSync(join(tmpdir(), 'chancery-tls-failure-'));
const [certificate, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
const self = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
const named = ['-subj', '/CN=test', '-addext', 'subjectAltName=DNS:localhost'];
execFileSync('openssl', [...self, ...named, '-keyout', key, '-out', certificate], { stdio: 'ignore' });

const server = createServer({ cert: readFileSync(certificate), key: readFileSync(key) }, (_, response) =>
	response.end(),
);
const plain = createPlainServer((_, response) => response.end());
beforeAll(async () => {
	for (const each of [server, plain]) await once(each.listen(0, '127.0.0.1'), 'listening');
});
afterAll(() => {
	for (const each of [server, plain]) each.close();
	rmSync(folder, { recursive: true });
});
const portOf = (each: typeof server | typeof plain) => (each.address() as AddressInfo).port;

describe('a server that is not believed', () => {
	it('because nobody trusts its authority is named, with what to do, by the caller too', async () => {
		const url = `https://localhost:${portOf(server)}`;
		const error: unknown = await call(getMetadataFile, url, { params: { file: 'root.json' } }, { fetch }).catch(
			(thrown: unknown) => thrown,
		);
		expect(String(error)).toMatch(
			/GET https:\/\/localhost:(\d+)\/root\.json failed: the TLS certificate of localhost:\1 comes from no authority .*SSL_CERT_FILE/,
		);
	});

	it('because its certificate is for another name is named', async () => {
		const options = {
			port: portOf(server),
			host: '127.0.0.1',
			servername: 'other.example',
			ca: readFileSync(certificate),
		};
		const [error] = await once(get(options), 'error');
		expect(explainTlsFailure(error, 'other.example')).toMatch(/certificate of other\.example is one for other names/);
	});

	it('because it speaks plain HTTP is named', async () => {
		const error: unknown = await fetch(`https://127.0.0.1:${portOf(plain)}/`).catch((thrown: unknown) => thrown);
		expect(explainTlsFailure(error, 'h:1')).toMatch(/h:1 does not speak TLS .*is https the right scheme/);
	});
});

describe('another failure', () => {
	it('is not explained', async () => {
		const error: unknown = await fetch('http://127.0.0.1:1/').catch((thrown: unknown) => thrown);
		expect(error).toBeInstanceOf(Error);
		expect(explainTlsFailure(error, 'h')).toBeUndefined();
		const endless = new Error('a');
		endless.cause = endless;
		expect(explainTlsFailure(endless, 'h')).toBeUndefined();
	});
});
