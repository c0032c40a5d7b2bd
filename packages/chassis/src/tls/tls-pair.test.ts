import { execFileSync } from 'node:child_process';
import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { encodePem } from '@chancery/core/pem';
import { afterEach, describe, expect, it } from 'vitest';
import { type MadeTlsFiles, makeTlsFiles, type TlsFilesOptions } from '../../test/tls-files.ts';
import { ConfigError } from '../config/config.ts';
import { Secret } from '../config/secret.ts';
import type { TlsFiles } from '../config/tls-section.ts';
import { openTlsPair } from './tls-pair.ts';

const made: MadeTlsFiles[] = [];
afterEach(() => {
	for (const { folder } of made.splice(0)) rmSync(folder, { recursive: true });
});

async function files(options: TlsFilesOptions = {}): Promise<MadeTlsFiles> {
	const fresh = await makeTlsFiles(options);
	made.push(fresh);
	return fresh;
}

const open = (pair: TlsFiles) => openTlsPair(pair, Date.now());
const refusal = async (pair: TlsFiles) => {
	const error = await open(pair).then(
		() => undefined,
		(thrown: unknown) => thrown,
	);
	expect(error).toBeInstanceOf(ConfigError);
	return (error as Error).message;
};

describe('a certificate and its key', () => {
	it('are opened, and say until when', async () => {
		const pair = await open(await files({ untilDays: 3 }));
		expect(pair.leaf.subjectAltName).toBe('DNS:localhost');
		expect(pair.notAfter.getTime() - Date.now()).toBeGreaterThan(2.9 * 86_400_000);
		expect(pair.context.minVersion).toBe('TLSv1.2');
	});

	it('may have the older forms of a private key, and intermediates behind the certificate', async () => {
		const own = await files();
		writeFileSync(own.keyFile, own.key.export({ type: 'sec1', format: 'pem' }));
		writeFileSync(own.certificateFile, `a comment\n${own.certificate}${(await files()).certificate}`);
		expect((await open(own)).leaf.serialNumber).toBe(own.serial);
	});

	it('may be locked with a passphrase', async () => {
		const own = await files();
		const locked = { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'open sesame' } as const;
		writeFileSync(own.keyFile, own.key.export(locked));
		expect((await open({ ...own, passphrase: new Secret('open sesame') })).leaf.serialNumber).toBe(own.serial);
		expect(await refusal(own)).toMatch(/key\.pem is encrypted, and nothing says .*tls\.passphrase/);
		expect(await refusal({ ...own, passphrase: new Secret('wrong') })).toMatch(/does not open with the passphrase/);
	});

	it('that is not locked is refused when a passphrase says that somebody believes so', async () => {
		const own = await files();
		expect(await refusal({ ...own, passphrase: new Secret('x') })).toMatch(/is not encrypted/);
	});

	it('may be read by the group where the file is root’s, as orchestrators mount it', async ({ skip }) => {
		skip(process.getuid?.() !== 0, 'only root can make such a file');
		const own = await files();
		chmodSync(own.keyFile, 0o440);
		expect((await open(own)).leaf.serialNumber).toBe(own.serial);
	});
});

describe('a pair is refused', () => {
	it.each<[what: string, spoil: (own: MadeTlsFiles) => unknown, words: RegExp]>([
		['without the certificate file', (own) => rmSync(own.certificateFile), /certificate file .*chain\.pem.*ENOENT/],
		['without the key file', (own) => rmSync(own.keyFile), /key file .*key\.pem.*ENOENT/],
		['with a folder for a file', (own) => replaceByFolder(own.keyFile), /key\.pem is not a file/],
		['with a key that others may read', (own) => chmodSync(own.keyFile, 0o644), /mode 0644.*chmod 600 .*key\.pem/],
		['with a key that others may write', (own) => chmodSync(own.keyFile, 0o602), /mode 0602/],
		['with an empty chain', (own) => writeFileSync(own.certificateFile, ''), /chain\.pem holds no PEM certificate/],
		[
			'with a block that is no certificate',
			(own) => writeFileSync(own.certificateFile, own.certificate.replace(/\n.{20}/, '\nAAAAAAAAAAAAAAAAAAAA')),
			/chain\.pem holds no PEM certificate/,
		],
		[
			'with the key in the file that is shown',
			(own) => writeFileSync(own.certificateFile, own.certificate + own.key.export({ type: 'pkcs8', format: 'pem' })),
			/more than certificates/,
		],
		['with no key', (own) => writeFileSync(own.keyFile, own.certificate), /key\.pem holds no PEM private key/],
		['with a huge file', (own) => writeFileSync(own.keyFile, 'x'.repeat(300_000)), /too large/],
		[
			'with the key of another certificate',
			(own) => writeFileSync(own.keyFile, anotherKey()),
			/key\.pem does not belong to the certificate in .*chain\.pem/,
		],
	])('%s', async (_, spoil, words) => {
		const own = await files();
		await spoil(own);
		expect(await refusal(own)).toMatch(words);
	});

	it('with a key whose halves do not belong together', async () => {
		const own = await files();
		const { d } = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' });
		const der = own.key.export({ type: 'pkcs8', format: 'der' });
		const at = der.indexOf(Buffer.from(own.key.export({ format: 'jwk' }).d ?? '', 'base64url'));
		Buffer.from(d ?? '', 'base64url').copy(der, at);
		writeFileSync(own.keyFile, encodePem('PRIVATE KEY', der));
		expect(await refusal(own)).toMatch(/key\.pem is damaged/);
	});

	it('whose times cannot be read', async () => {
		const own = await files();
		const der = Buffer.from(new X509Certificate(own.certificate).raw);
		// UTCTime: the month of the second is no month.
		const at = der.indexOf(Buffer.from([0x17, 0x0d]), der.indexOf(Buffer.from([0x17, 0x0d])) + 2);
		der.write('99', at + 4);
		writeFileSync(own.certificateFile, encodePem('CERTIFICATE', der));
		expect(await refusal(own)).toMatch(/does not say from when until when it is valid/);
	});

	it('with the intermediate first, saying which belongs there', async () => {
		const own = await files();
		writeFileSync(own.certificateFile, (await files()).certificate + own.certificate);
		expect(await refusal(own)).toMatch(/belongs to certificate 2 .*put that one first/);
	});

	it('that has expired, or is not valid yet', async () => {
		expect(await refusal(await files({ fromDays: -9, untilDays: -1 }))).toMatch(/expired on \d{4}-.*renew it/);
		expect(await refusal(await files({ fromDays: 1, untilDays: 9 }))).toMatch(/only valid from \d{4}-/);
	});

	it('that TLS finds too weak', async () => {
		const own = await files();
		const where = ['-keyout', own.keyFile, '-out', own.certificateFile];
		execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:1024', '-nodes', '-subj', '/CN=weak', ...where], {
			stdio: 'ignore',
		});
		expect(await refusal(own)).toMatch(/key too small/);
	});
});

function replaceByFolder(path: string): void {
	rmSync(path);
	mkdirSync(path);
}

const anotherKey = () =>
	generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' });
