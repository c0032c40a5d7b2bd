import { execFileSync } from 'node:child_process';
import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import {
	chmodSync,
	chownSync,
	mkdirSync,
	mkdtempSync,
	readdirSync,
	readFileSync,
	rmSync,
	statSync,
	writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodePem, parsePem } from '@chancery/core/pem';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { KeyAlgorithm } from '../signer.ts';
import { verifySignature } from '../verify-signature.ts';
import { createFileKey, openFileKey } from './file-key.ts';

let folder: string;
let path: string;
beforeEach(() => {
	folder = mkdtempSync(join(tmpdir(), 'chancery-key-'));
	path = join(folder, 'log.pem');
});
afterEach(() => rmSync(folder, { recursive: true }));

const openssl = (...args: string[]) => execFileSync('openssl', args, { encoding: 'utf8', stdio: 'pipe' });

function writeKey(name: string, text: string, mode = 0o600): string {
	const file = join(folder, name);
	writeFileSync(file, text, { mode });
	chmodSync(file, mode);
	return file;
}

const plainPem = (pair = generateKeyPairSync('ed25519')) => pair.privateKey.export({ type: 'pkcs8', format: 'pem' });

describe('a key that is made', () => {
	it.each<KeyAlgorithm>(['ecdsa-sha2-256-nistp256', 'ecdsa-sha2-384-nistp384', 'ed25519'])(
		'with %s can be opened again and signs as the same key',
		async (algorithm) => {
			const made = await createFileKey(path, algorithm);
			const opened = await openFileKey(path);
			expect(opened.algorithm).toBe(algorithm);
			expect(opened.publicKey).toEqual(made.publicKey);
			const message = Uint8Array.of(1, 2, 3);
			expect(verifySignature({ publicKey: made.publicKey, message, signature: await opened.sign(message) })).toBe(true);
		},
	);

	it('lies alone in its folder, readable by its owner only, as PEM that openssl reads', async () => {
		const made = await createFileKey(path, 'ecdsa-sha2-256-nistp256');
		expect(readdirSync(folder)).toEqual(['log.pem']);
		expect(statSync(path).mode & 0o777).toBe(0o600);
		const publicPem = openssl('pkey', '-in', path, '-pubout');
		expect(new Uint8Array(createPublicKey(publicPem).export({ type: 'spki', format: 'der' }))).toEqual(made.publicKey);
	});

	it('is encrypted under its passphrase so that openssl opens it with that one only', async () => {
		await createFileKey(path, 'ed25519', { passphrase: 'correct horse' });
		expect(readFileSync(path, 'utf8')).toMatch(/^-----BEGIN ENCRYPTED PRIVATE KEY-----\n/);
		expect(openssl('pkey', '-in', path, '-passin', 'pass:correct horse', '-noout', '-text')).toContain('ED25519');
		expect(() => openssl('pkey', '-in', path, '-passin', 'pass:wrong', '-noout')).toThrow();
		const described = openssl('asn1parse', '-in', path);
		expect(described).toContain('hmacWithSHA256');
		expect(described).toContain('aes-256-cbc');
		// 600,000 rounds.
		expect(described).toContain(':0927C0');
	});

	it('never replaces a file that is there', async () => {
		writeFileSync(path, 'something else');
		await expect(createFileKey(path, 'ed25519')).rejects.toMatchObject({ name: 'KeyError', code: 'exists' });
		expect(readFileSync(path, 'utf8')).toBe('something else');
		expect(readdirSync(folder)).toEqual(['log.pem']);
	});

	it('is one key when two make it at the same time', async () => {
		const outcomes = await Promise.allSettled([1, 2, 3].map(() => createFileKey(path, 'ed25519')));
		const made = outcomes.filter((outcome) => outcome.status === 'fulfilled');
		expect(made).toHaveLength(1);
		expect((await openFileKey(path)).publicKey).toEqual(made[0]?.value.publicKey);
	});

	it('cannot be made in a folder that is not there, nor with an empty passphrase', async () => {
		await expect(createFileKey(join(folder, 'no/key'), 'ed25519')).rejects.toMatchObject({ code: 'io' });
		await expect(createFileKey(path, 'ed25519', { passphrase: '' })).rejects.toMatchObject({
			code: 'passphrase-missing',
		});
		expect(readdirSync(folder)).toEqual([]);
	});
});

describe('a key that is opened', () => {
	it.runIf(process.getuid?.() === 0).each([0o440, 0o640])(
		'may have mode %o when root owns it, as systemd and Kubernetes leave it',
		async (mode) => {
			const file = writeKey('mounted.pem', String(plainPem()), mode);
			expect((await openFileKey(file)).algorithm).toBe('ed25519');
			chownSync(file, 65_534, 65_534);
			await expect(openFileKey(file)).rejects.toMatchObject({ code: 'permissions' });
		},
	);

	it.each([0o604, 0o660, 0o644, 0o601])('is refused with mode %o, which lets others at it', async (mode) => {
		const file = writeKey('open.pem', String(plainPem()), mode);
		await expect(openFileKey(file)).rejects.toMatchObject({
			code: 'permissions',
			message: expect.stringContaining('chmod 600'),
		});
	});

	it.each([
		['PBKDF2', ['-v2', 'aes-256-cbc']],
		['scrypt', ['-scrypt']],
	])('may have been encrypted by openssl with %s', async (_, options) => {
		const plain = writeKey('plain.pem', String(plainPem()));
		openssl('pkcs8', '-topk8', '-in', plain, '-out', path, '-passout', 'pass:theirs', ...options);
		chmodSync(path, 0o600);
		const opened = await openFileKey(path, { passphrase: 'theirs' });
		expect(opened.publicKey).toEqual((await openFileKey(plain)).publicKey);
	});

	it('asks for the passphrase it needs, and names a wrong one', async () => {
		await createFileKey(path, 'ed25519', { passphrase: 'right' });
		await expect(openFileKey(path)).rejects.toMatchObject({ code: 'passphrase-missing' });
		await expect(openFileKey(path, { passphrase: 'left' })).rejects.toMatchObject({ code: 'passphrase-wrong' });
	});

	it('must be encrypted where that is expected', async () => {
		await createFileKey(path, 'ed25519');
		await expect(openFileKey(path, { passphrase: 'x' })).rejects.toMatchObject({ code: 'not-encrypted' });
		await expect(openFileKey(path, { requireEncrypted: true })).rejects.toMatchObject({ code: 'not-encrypted' });
	});

	it.each<[string, () => string, string]>([
		['nothing', () => join(folder, 'absent.pem'), 'not-found'],
		['a path through a file', () => join(writeKey('file', 'x'), 'below'), 'not-found'],
		['a folder', () => mkdirSync(join(folder, 'a/folder'), { recursive: true, mode: 0o700 }) ?? '', 'malformed'],
		['an empty file', () => writeKey('empty', ''), 'malformed'],
		[
			'a public key',
			() =>
				writeKey('public', String(generateKeyPairSync('ed25519').publicKey.export({ type: 'spki', format: 'pem' }))),
			'malformed',
		],
		[
			'a damaged key',
			() => writeKey('damaged', String(plainPem()).replace(/[A-Za-z0-9+/]{12}\n/, 'AAAA\n')),
			'malformed',
		],
		[
			'an old style key',
			() =>
				writeKey(
					'sec1',
					String(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'sec1', format: 'pem' })),
				),
			'malformed',
		],
		['a huge file', () => writeKey('huge', `${plainPem()}${' '.repeat(70_000)}`), 'malformed'],
		[
			'an RSA key',
			() => writeKey('rsa', String(plainPem(generateKeyPairSync('rsa', { modulusLength: 2048 })))),
			'unsupported-algorithm',
		],
		[
			'a key on another curve',
			() => writeKey('p521', String(plainPem(generateKeyPairSync('ec', { namedCurve: 'P-521' })))),
			'unsupported-algorithm',
		],
	])('is refused when it is %s', async (_, make, code) => {
		await expect(openFileKey(make())).rejects.toMatchObject({ name: 'KeyError', code });
	});

	it('is refused when its public half is that of another key, which OpenSSL believes', async () => {
		const [own, other] = [0, 1].map(() => generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey) as [
			KeyObject,
			KeyObject,
		];
		const der = own.export({ type: 'pkcs8', format: 'der' });
		// SEC 1: the point stands at the end.
		createPublicKey(other)
			.export({ type: 'spki', format: 'der' })
			.subarray(-65)
			.copy(der, der.length - 65);
		const file = writeKey('damaged', encodePem('PRIVATE KEY', der));
		openssl('pkey', '-in', file, '-noout');
		await expect(openFileKey(file)).rejects.toMatchObject({ name: 'KeyError', code: 'key-mismatch' });
	});

	it('is refused when it asks for hours of key derivation, and opened when it asks for a second', async () => {
		const rounds = 600_000;
		const plain = writeKey('plain', String(plainPem()));
		const args = ['-v2', 'aes-256-cbc', '-iter', String(rounds), '-passout', 'pass:open sesame'];
		const pem = openssl('pkcs8', '-topk8', '-in', plain, ...args);
		const secrets = { passphrase: 'open sesame' };
		await openFileKey(writeKey('locked', pem), secrets);

		const der = Buffer.from(parsePem(pem)[0]?.der ?? []);
		const at = der.indexOf(Buffer.from([0x02, 0x03, 0x09, 0x27, 0xc0]));
		der[at + 2] = 0x7f;
		const file = writeKey('slow', encodePem('ENCRYPTED PRIVATE KEY', der));
		await expect(openFileKey(file, secrets)).rejects.toMatchObject({
			code: 'malformed',
			message: expect.stringContaining('8333248 steps'),
		});

		const scrypt = openssl('pkcs8', '-topk8', '-in', plain, '-scrypt', '-passout', 'pass:open sesame');
		await openFileKey(writeKey('scrypt', scrypt), secrets);
		const costly = Buffer.from(parsePem(scrypt)[0]?.der ?? []);
		// N = 16384, r = 8, p = 1; p becomes 127.
		const cost = costly.indexOf(Buffer.from([0x02, 0x02, 0x40, 0x00, 0x02, 0x01, 0x08, 0x02, 0x01, 0x01]));
		costly[cost + 9] = 0x7f;
		await expect(
			openFileKey(writeKey('slow-scrypt', encodePem('ENCRYPTED PRIVATE KEY', costly)), secrets),
		).rejects.toMatchObject({ code: 'malformed', message: expect.stringContaining('16646144 steps') });
	});

	it('is never quoted in an error', async () => {
		const secretText = 'MC4CAQAwBQYDK2VwBCIEIsecretsecretsecret';
		const file = writeKey('bad', `-----BEGIN PRIVATE KEY-----\n${secretText}\n-----END PRIVATE KEY-----\n`);
		const error = await openFileKey(file).catch((cause: unknown) => cause);
		expect(error).toMatchObject({ code: 'malformed' });
		expect(String((error as Error).stack)).not.toContain('secretsecret');
	});
});
