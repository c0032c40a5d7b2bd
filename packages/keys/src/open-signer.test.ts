import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createFileKey } from './file/file-key.ts';
import { openSigner } from './open-signer.ts';

let folder: string;
let publicKey: Uint8Array;
beforeAll(async () => {
	folder = mkdtempSync(join(tmpdir(), 'chancery signer-'));
	({ publicKey } = await createFileKey(join(folder, 'a key.pem'), 'ed25519'));
	await createFileKey(join(folder, 'locked.pem'), 'ed25519', { passphrase: 'pass' });
});
afterAll(() => rmSync(folder, { recursive: true }));

describe('a key URI', () => {
	it.each<[string, () => string]>([
		['an absolute path', () => `file:${join(folder, 'a key.pem')}`],
		['a relative path', () => `file:${relative(process.cwd(), join(folder, 'a key.pem'))}`],
		['an RFC 8089 URI', () => pathToFileURL(join(folder, 'a key.pem')).href],
		['a scheme in capitals', () => `FILE:${join(folder, 'a key.pem')}`],
	])('may be %s', async (_, uri) => {
		expect((await openSigner(uri())).publicKey).toEqual(publicKey);
	});

	it('opens an encrypted file with the passphrase beside it', async () => {
		const uri = `file:${join(folder, 'locked.pem')}`;
		expect((await openSigner(uri, { passphrase: 'pass' })).algorithm).toBe('ed25519');
		await expect(openSigner(uri)).rejects.toMatchObject({ code: 'passphrase-missing' });
	});

	it('opens nothing with a secret of the other kind', async () => {
		const file = `file:${join(folder, 'locked.pem')}`;
		const token = 'pkcs11:token=log?module-path=/no/module.so';
		await expect(openSigner(file, { pin: 'pass' })).rejects.toMatchObject({ code: 'secret-misplaced' });
		await expect(openSigner(token, { passphrase: 'pass' })).rejects.toMatchObject({ code: 'secret-misplaced' });
	});

	it('of a token needs the compiled binding and a module, and says which of them is missing', async () => {
		const error = await openSigner('pkcs11:token=log?module-path=/no/module.so').catch((cause: unknown) => cause);
		expect(error).toMatchObject({
			code: expect.stringMatching(/^(binding|module)-missing$/),
			message: expect.stringMatching(/npm run build:pkcs11|module-path/),
		});
	});

	it.each([
		'',
		'/plain/path',
		'file:',
		'file://host/path',
		'http://example.com/key',
		'constructor:x',
		'pkcs11:token=log;pin-value=1234',
	])('%j is refused as bad, without repeating more than its scheme', async (uri) => {
		const error = await openSigner(uri).catch((cause: unknown) => cause);
		expect(error).toMatchObject({ name: 'KeyError', code: 'bad-uri' });
		expect((error as Error).message).not.toContain('1234');
	});
});
