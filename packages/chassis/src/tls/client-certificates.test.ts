/** OpenSSL makes the certificates and is the client: whom a listener lets in must not be our own judgement alone. */
import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { call } from '@chancery/net/call';
import { createHttpTransport } from '@chancery/net/http-transport';
import { trustAuthorityFile } from '@chancery/net/tls-authorities';
import { getReadiness } from '@chancery/wire/administration';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { captureLog } from '../../test/captured-log.ts';
import { createAdminListener } from '../http/admin.ts';
import { type BoundListener, bindListener } from '../http/listen.ts';
import { createMetrics } from '../metrics.ts';
import { readClientCertificate } from './client-certificate.ts';
import { openTlsPair } from './tls-pair.ts';
import { rotateTlsPair } from './tls-rotation.ts';

const folder = mkdtempSync(join(tmpdir(), 'chancery-mtls-'));
const at = (name: string) => join(folder, name);
const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' });

function makeAuthority(name: string): void {
	const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', `${name}.key`];
	const ca = ['-subj', `/CN=${name}`, '-days', '2', '-addext', 'basicConstraints=critical,CA:TRUE'];
	openssl('req', '-x509', ...key, ...ca, '-out', `${name}.pem`);
}

function issue(name: string, authority: string, extensions: string, days = '1'): void {
	const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', `${name}.key`];
	openssl('req', '-new', ...key, '-subj', `/CN=${name}`, '-out', `${name}.csr`);
	writeFileSync(at(`${name}.ext`), extensions);
	const by = ['-CA', `${authority}.pem`, '-CAkey', `${authority}.key`, '-CAcreateserial'];
	openssl('x509', '-req', '-in', `${name}.csr`, ...by, '-days', days, '-extfile', `${name}.ext`, '-out', `${name}.pem`);
	chmodSync(at(`${name}.key`), 0o600);
}

const files = { certificateFile: at('server.pem'), keyFile: at('server.key'), clientCaFile: at('accepted.pem') };
let listener: BoundListener;
let app: ReturnType<typeof createAdminListener>;
let endRotation: () => void;

beforeAll(async () => {
	for (const name of ['company', 'stranger', 'next']) makeAuthority(name);
	issue('server', 'company', 'subjectAltName=DNS:localhost\nextendedKeyUsage=serverAuth');
	issue('right', 'company', 'extendedKeyUsage=clientAuth');
	issue('plain', 'company', 'keyUsage=digitalSignature');
	issue('for-servers', 'company', 'extendedKeyUsage=serverAuth');
	issue('expired', 'company', 'extendedKeyUsage=clientAuth', '-1');
	issue('foreign', 'stranger', 'extendedKeyUsage=clientAuth');
	issue('next-client', 'next', 'extendedKeyUsage=clientAuth');
	copyFileSync(at('company.pem'), files.clientCaFile);
	const { logger } = captureLog('info');
	const health = async () => ({ ready: true, checks: {} });
	app = createAdminListener({ name: 'admin', logger, tokens: [], health });
	const pair = await openTlsPair(files, Date.now());
	listener = await bindListener(app, { host: '127.0.0.1', port: 0 }, pair);
	const { servers } = listener;
	endRotation = rotateTlsPair({
		listener: 'admin',
		files,
		pair,
		servers,
		logger,
		metrics: createMetrics('svc'),
		intervalMs: 20,
	});
}, 30_000);
afterAll(async () => {
	endRotation();
	for (const server of listener.servers) {
		server.closeAllConnections();
		server.close();
	}
	await app.close();
	rmSync(folder, { recursive: true });
});

const port = () => new URL(listener.url).port;

/** What `openssl s_client` gets for one request, with the certificate of `name` or none. */
async function ask(name: string | undefined, ...options: string[]): Promise<string> {
	const shown = name === undefined ? [] : ['-cert', at(`${name}.pem`), '-key', at(`${name}.key`)];
	const where = ['-connect', `127.0.0.1:${port()}`, '-servername', 'localhost', '-CAfile', at('company.pem')];
	const client = spawn('openssl', ['s_client', ...where, '-ign_eof', ...shown, ...options], { stdio: 'pipe' });
	client.stdin.on('error', () => undefined);
	client.stdin.end('GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
	const [out, err] = await Promise.all([text(client.stdout), text(client.stderr)]);
	return out + err;
}

const LET_IN = '{"ready":true}';

describe.each([['-tls1_2'], ['-tls1_3']])('a listener that asks its clients for a certificate, by %s', (version) => {
	it.each(['right', 'plain'])('lets in who has one: %s', async (name) => {
		expect(await ask(name, version)).toContain(LET_IN);
	});

	it.each([undefined, 'foreign', 'expired', 'for-servers'])('does not let in who shows %s', async (name) => {
		const answer = await ask(name, version);
		expect(answer).not.toContain('HTTP/1.1');
		expect(answer).toContain('CONNECTED');
	});

	it('resumes no session: each connection is judged anew', async () => {
		const session = at(`session${version}`);
		expect(await ask('right', version, '-sess_out', session)).toContain(LET_IN);
		// Without a ticket there may be nothing to keep.
		writeFileSync(session, '', { flag: 'a' });
		const again = await ask('right', version, '-sess_in', session).catch(String);
		expect(again).not.toMatch(/^Reused/m);
	});
});

describe('a caller with a certificate', () => {
	const ready = async (name: string | undefined) => {
		const client = name && { certificateFile: at(`${name}.pem`), keyFile: at(`${name}.key`) };
		const transport = createHttpTransport(client ? { client: await readClientCertificate(client, Date.now()) } : {});
		return (await call(getReadiness, `https://localhost:${port()}`, {}, { transport })).body;
	};

	it('is let in, and one without is told that it needs one', async () => {
		trustAuthorityFile(at('company.pem'), 'the test');
		expect(await ready('right')).toEqual({ ready: true });
		await expect(ready(undefined)).rejects.toThrow(/certificate required/);
		await expect(ready('expired')).rejects.toThrow(/expired\.pem expired on/);
	});
});

describe('the authorities of clients', () => {
	it('are exchanged while the listener runs', async () => {
		copyFileSync(at('next.pem'), files.clientCaFile);
		await expect.poll(() => ask('next-client'), { timeout: 10_000 }).toContain(LET_IN);
		expect(await ask('right')).not.toContain('HTTP/1.1');
		copyFileSync(at('company.pem'), files.clientCaFile);
		await expect.poll(() => ask('right'), { timeout: 10_000 }).toContain(LET_IN);
	});

	it.each<[string, () => void, RegExp]>([
		['are not there', () => rmSync(at('bad.pem'), { force: true }), /bad\.pem cannot be read \(ENOENT\)/],
		['are none', () => writeFileSync(at('bad.pem'), 'x'), /bad\.pem holds no PEM certificate/],
		['do not issue', () => copyFileSync(at('right.pem'), at('bad.pem')), /bad\.pem .*no authority's \(CN=right\)/],
	])('stop the start when they %s', async (_, prepare, words) => {
		prepare();
		await expect(openTlsPair({ ...files, clientCaFile: at('bad.pem') }, Date.now())).rejects.toThrow(words);
	});
});
