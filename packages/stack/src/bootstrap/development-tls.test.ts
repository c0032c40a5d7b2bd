/** The TLS certificates of a development instance, with openssl as the judge. */
import { execFileSync, spawnSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { openDevelopmentTls } from './development-tls.ts';

const DAY_MS = 86_400_000;
const NOW_MS = Date.UTC(2026, 5, 1);

const folders: string[] = [];
afterEach(() => {
	for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

function makeFolder(): string {
	const folder = mkdtempSync(join(tmpdir(), 'chancery-tls-'));
	folders.push(folder);
	return folder;
}

/** What openssl says of a certificate at a time, with every optional rule of RFC 5280 switched on. */
function verify(authority: string, certificate: string, atMs: number, ...name: string[]): string {
	const at = ['-attime', String(Math.floor(atMs / 1000))];
	const how = ['verify', '-x509_strict', '-purpose', 'sslserver', ...at, ...name, '-CAfile', authority, certificate];
	const { stdout, stderr } = spawnSync('openssl', how, { encoding: 'utf8' });
	return stdout + stderr;
}

const serialOf = (path: string) => new X509Certificate(readFileSync(path)).serialNumber;

describe('the TLS certificates of a development instance', () => {
	it.each([
		['-verify_hostname', 'localhost'],
		['-verify_ip', '127.0.0.1'],
		['-verify_ip', '::1'],
	])('hold for openssl %s %s', async (option, name) => {
		const tls = await openDevelopmentTls(makeFolder(), 'localhost', NOW_MS);
		expect(verify(tls.authorityFile, tls.certificateFile, NOW_MS, option, name)).toMatch(/: OK\n$/);
	});

	it('hold for no other name, before their time or after it', async () => {
		const { authorityFile, certificateFile } = await openDevelopmentTls(makeFolder(), 'localhost', NOW_MS);
		const judge = (atMs: number, name = 'localhost') =>
			verify(authorityFile, certificateFile, atMs, '-verify_hostname', name);
		expect(judge(NOW_MS, 'example.com')).toMatch(/hostname mismatch/i);
		expect(judge(NOW_MS - DAY_MS)).toMatch(/not yet valid/);
		expect(judge(NOW_MS + 89 * DAY_MS)).toMatch(/: OK\n$/);
		expect(judge(NOW_MS + 91 * DAY_MS)).toMatch(/expired/);
	});

	it('keep their keys to their owner', async () => {
		const folder = makeFolder();
		await openDevelopmentTls(folder, 'localhost', NOW_MS);
		for (const name of ['tls-ca.pem', 'tls-server.pem'])
			expect((statSync(join(folder, name)).mode & 0o777).toString(8)).toBe('600');
	});

	it.each([
		['DNS:bank.example', /permitted subtree violation/],
		['DNS:localhost', /: OK\n$/],
		['IP:10.0.0.1', /permitted subtree violation/],
	])('let the authority vouch for nothing beyond loopback: %s', async (name, words) => {
		const folder = makeFolder();
		const { authorityFile } = await openDevelopmentTls(folder, 'localhost', NOW_MS);
		// What a thief of the authority's key would make.
		const [key, request, forged, extensions] = ['f.key', 'f.csr', 'f.pem', 'f.cnf'].map((file) =>
			join(folder, file),
		) as [string, string, string, string];
		const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
		const run = (...args: string[]) => execFileSync('openssl', args, { stdio: 'ignore' });
		run('req', ...curve, '-keyout', key, '-out', request, '-subj', '/CN=forged');
		writeFileSync(
			extensions,
			`subjectAltName=${name}\nkeyUsage=critical,digitalSignature\nauthorityKeyIdentifier=keyid\nsubjectKeyIdentifier=hash\n`,
		);
		const by = ['-CA', authorityFile, '-CAkey', join(folder, 'tls-ca.pem'), '-CAcreateserial'];
		run('x509', '-req', '-in', request, ...by, '-days', '30', '-extfile', extensions, '-out', forged);
		expect(verify(authorityFile, forged, Date.now())).toMatch(words);
	});

	it('stay while more than half of their life is left, and are renewed then', async () => {
		const folder = makeFolder();
		const { authorityFile, certificateFile } = await openDevelopmentTls(folder, 'localhost', NOW_MS);
		const [authority, server] = [serialOf(authorityFile), serialOf(certificateFile)];
		await openDevelopmentTls(folder, 'localhost', NOW_MS + 44 * DAY_MS);
		expect([serialOf(authorityFile), serialOf(certificateFile)]).toEqual([authority, server]);
		await openDevelopmentTls(folder, 'localhost', NOW_MS + 46 * DAY_MS);
		expect(serialOf(authorityFile)).toBe(authority);
		expect(serialOf(certificateFile)).not.toBe(server);
		expect(verify(authorityFile, certificateFile, NOW_MS + 130 * DAY_MS)).toMatch(/: OK\n$/);
	});

	it('get an authority of the same key and name before the old one ends, so that its clients go on', async () => {
		const folder = makeFolder();
		const { authorityFile, certificateFile } = await openDevelopmentTls(folder, 'localhost', NOW_MS);
		const old = join(folder, 'old.pem');
		writeFileSync(old, readFileSync(authorityFile));
		const later = NOW_MS + 3300 * DAY_MS;
		await openDevelopmentTls(folder, 'localhost', later);
		expect(serialOf(authorityFile)).not.toBe(serialOf(old));
		for (const authority of [old, authorityFile]) expect(verify(authority, certificateFile, later)).toMatch(/: OK\n$/);
	});

	it.each([
		['the server certificate', 60],
		['the authority, too,', 3400],
	])('are made anew where %s begins in the future, because the clock was %i days ahead', async (_, days) => {
		const folder = makeFolder();
		await openDevelopmentTls(folder, 'localhost', NOW_MS);
		await openDevelopmentTls(folder, 'localhost', NOW_MS + days * DAY_MS);
		const { authorityFile, certificateFile } = await openDevelopmentTls(folder, 'localhost', NOW_MS);
		expect(verify(authorityFile, certificateFile, NOW_MS)).toMatch(/: OK\n$/);
		// Both as listeners show them: the file of the chain has the authority of now, too.
		const [serial, chain] = [serialOf(authorityFile), readFileSync(certificateFile, 'utf8')];
		expect(chain).toContain(readFileSync(authorityFile, 'utf8').trim());
		await openDevelopmentTls(folder, 'localhost', NOW_MS);
		expect([serialOf(authorityFile), readFileSync(certificateFile, 'utf8')]).toEqual([serial, chain]);
	});

	it('are made anew where a file was lost or spoilt', async () => {
		const folder = makeFolder();
		const { authorityFile, certificateFile } = await openDevelopmentTls(folder, 'localhost', NOW_MS);
		for (const spoil of [
			() => writeFileSync(certificateFile, 'spoilt'),
			() => rmSync(join(folder, 'tls-server.pem')),
			() => rmSync(join(folder, 'tls-ca.pem')),
			() => rmSync(authorityFile),
		]) {
			spoil();
			await openDevelopmentTls(folder, 'localhost', NOW_MS);
			expect(verify(authorityFile, certificateFile, NOW_MS)).toMatch(/: OK\n$/);
			const ofKey = execFileSync('openssl', ['pkey', '-in', join(folder, 'tls-server.pem'), '-pubout']);
			const ofCertificate = execFileSync('openssl', ['x509', '-in', certificateFile, '-noout', '-pubkey']);
			expect(ofCertificate).toEqual(ofKey);
		}
	});
});
