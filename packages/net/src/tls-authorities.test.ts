/** In processes of their own: what they add is for the whole process. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { rootCertificates } from 'node:tls';
import { afterAll, describe, expect, it } from 'vitest';

const folder = mkdtempSync(join(tmpdir(), 'chancery-roots-'));
afterAll(() => rmSync(folder, { recursive: true }));

const MODULE = join(import.meta.dirname, 'tls-authorities.ts');
const PROGRAM = `
import { X509Certificate } from 'node:crypto';
import { getCACertificates } from 'node:tls';
import { trustFromEnvironment } from ${JSON.stringify(MODULE)};
const roots = () => getCACertificates('default').map((pem) => new X509Certificate(pem).fingerprint256);
const before = new Set(roots());
try { trustFromEnvironment(); } catch (error) { console.log(error.name + ': ' + error.message); process.exit(3); }
const after = roots();
console.log(JSON.stringify({ kept: after.filter((root) => before.has(root)).length === before.size, added: after.length - before.size }));
`;

function run(env: Record<string, string>): string {
	const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', PROGRAM], {
		env: { PATH: process.env.PATH, ...env },
		encoding: 'utf8',
	});
	return stdout.trim();
}

const file = (name: string, content: string) => {
	const path = join(folder, name);
	writeFileSync(path, content);
	return path;
};
/** Self-signed, its key thrown away; valid until 2126. */
const PRIVATE_CA = `-----BEGIN CERTIFICATE-----
MIIBljCCATugAwIBAgIUbgnsZ+cxLkIKCzZrRxcZqgQ2ZBAwCgYIKoZIzj0EAwIw
HzEdMBsGA1UEAwwUcHJpdmF0ZSBDQSBvZiBhIHRlc3QwIBcNMjYxMTIxMTUzMDEy
WhgPMjEyNjEwMjgxNTMwMTJaMB8xHTAbBgNVBAMMFHByaXZhdGUgQ0Egb2YgYSB0
ZXN0MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEYm+Yyd6QpuLULUTlU0/rO5iO
cNHJSbTRX6soHl6qTW4HSYOz+PZVTKHMOVSnZewhp/IbrMHFVcaLiKKXHSV89qNT
MFEwHQYDVR0OBBYEFOHNq92gFuTbKg6mgcca6wuYBs2LMB8GA1UdIwQYMBaAFOHN
q92gFuTbKg6mgcca6wuYBs2LMA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwID
SQAwRgIhAJ7zhuT7AWCF1IccQnBG+gzbf6sLN43pSSasYLbNvrEGAiEA5rphwmCB
TWwRNceKIqBQc1Pr7vlZpDvAru65H8MCYbE=
-----END CERTIFICATE-----
`;
const BROKEN = PRIVATE_CA.replace(/\n[^\n]{64}\n/, '\n');

describe('SSL_CERT_FILE', () => {
	it('adds its authorities to those of the runtime', () => {
		const privateCa = file('private.pem', `# ours\n${PRIVATE_CA}`);
		expect(JSON.parse(run({ SSL_CERT_FILE: privateCa }))).toEqual({ kept: true, added: 1 });
	});

	it('may be the bundle of a whole system', () => {
		const all = file('all.pem', [...rootCertificates, PRIVATE_CA].join('\n'));
		expect(JSON.parse(run({ SSL_CERT_FILE: all }))).toEqual({ kept: true, added: 1 });
	});

	it('changes nothing when it is not set, or empty', () => {
		for (const env of [{}, { SSL_CERT_FILE: '' }])
			expect(JSON.parse(run(env as Record<string, string>))).toEqual({ kept: true, added: 0 });
	});

	it.each([
		['is not there', () => join(folder, 'nothing'), /nothing, named by SSL_CERT_FILE, cannot be read \(ENOENT\)/],
		['is a folder', () => folder, /cannot be read \(EISDIR\)/],
		['holds no certificate', () => file('empty.pem', 'hello\n'), /holds no PEM certificate/],
		['holds a broken one', () => file('broken.pem', BROKEN), /holds a certificate that cannot be read/],
		['ends in the middle of one', () => file('cut.pem', BROKEN.slice(0, -20)), /cut off or damaged/],
		[
			'holds beginnings only',
			() => file('many.pem', '-----BEGIN CERTIFICATE-----'.repeat(150_000)),
			/cut off or damaged/,
		],
		['is endless', () => file('long.pem', 'x'.repeat(5 * 1024 * 1024)), /longer than/],
	])('that %s is refused', (_, make, words) => {
		const said = run({ SSL_CERT_FILE: make() });
		expect(said).toMatch(/^TlsTrustError: /);
		expect(said).toMatch(words);
	});
});

describe('an environment that switches verification off', () => {
	it('is refused', () => {
		expect(run({ NODE_TLS_REJECT_UNAUTHORIZED: '0' })).toMatch(/^TlsTrustError: .*REJECT_UNAUTHORIZED.*SSL_CERT_FILE/);
	});
});
