/** Keys in SoftHSM, made by pkcs11-tool, with openssl as the judge of what they sign. */
import { execFileSync } from 'node:child_process';
import { createPublicKey, verify } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestKeyType, TestToken } from '@chancery/testkit/softhsm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openSigner } from '../../src/open-signer.ts';
import type { KeyAlgorithm } from '../../src/signer.ts';

let token: TestToken;
beforeAll(() => {
	token = new TestToken();
	for (const [type, , id] of KINDS) token.makeKey(type, `key ${id}`, id);
});
afterAll(() => token.close());

const KINDS: readonly [TestKeyType, KeyAlgorithm, id: string, digest: string | null][] = [
	['EC:prime256v1', 'ecdsa-sha2-256-nistp256', '01', 'sha256'],
	['EC:secp384r1', 'ecdsa-sha2-384-nistp384', '02', 'sha384'],
	['EC:edwards25519', 'ed25519', '03', null],
];

/** Says what openssl says of the signature. */
function judge(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array, digest: string | null): string {
	const at = (name: string, bytes: Uint8Array) => {
		writeFileSync(join(token.folder, name), bytes);
		return join(token.folder, name);
	};
	const key = ['-pubin', '-keyform', 'DER', '-inkey', at('key', publicKey), '-sigfile', at('sig', signature)];
	const input = ['-rawin', '-in', at('msg', message), ...(digest === null ? [] : ['-digest', digest])];
	try {
		return execFileSync('openssl', ['pkeyutl', '-verify', ...key, ...input], { encoding: 'utf8', stdio: 'pipe' });
	} catch (error) {
		return (error as { stdout: string }).stdout;
	}
}

describe.each(KINDS)('a key %s in a token', (_, algorithm, id, digest) => {
	it('shows the public half that pkcs11-tool reads, and signs what openssl verifies', async () => {
		const signer = await openSigner(token.uri(`object=key%20${id};id=%${id};type=private`), { pin: token.pin });
		expect(signer.algorithm).toBe(algorithm);
		expect(signer.publicKey).toEqual(token.publicKey(id));
		for (const length of [1, 64, 70_000]) {
			const message = new Uint8Array(length).fill(length);
			const signature = await signer.sign(message);
			expect(judge(signer.publicKey, message, signature, digest)).toContain('Verified Successfully');
			const other = Uint8Array.of(...message, 1);
			expect(judge(signer.publicKey, other, signature, digest)).toContain('Verification Failure');
		}
	});

	it('signs a message of no bytes', async () => {
		const signer = await openSigner(token.uri(`id=%${id}`), { pin: token.pin });
		const key = createPublicKey({ key: Buffer.from(signer.publicKey), format: 'der', type: 'spki' });
		expect(verify(digest, new Uint8Array(), key, await signer.sign(new Uint8Array()))).toBe(true);
	});

	it('signs 64 messages at the same time, each for itself', async () => {
		const signer = await openSigner(token.uri(`id=%${id}`), { pin: token.pin });
		const key = createPublicKey({ key: Buffer.from(signer.publicKey), format: 'der', type: 'spki' });
		const messages = Array.from({ length: 64 }, (__, i) => new TextEncoder().encode(`message ${i}`));
		const signatures = await Promise.all(messages.map((message) => signer.sign(message)));
		messages.forEach((message, i) => {
			expect(verify(digest, message, key, signatures[i]!)).toBe(true);
			expect(verify(digest, message, key, signatures[(i + 1) % 64]!)).toBe(false);
		});
	});

	it('is known by its certificate where the token keeps no public key', async () => {
		const at = (name: string) => join(token.folder, name);
		const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: token.folder, stdio: 'pipe' });
		writeFileSync(at('public.der'), token.publicKey(id));
		openssl('pkey', '-pubin', '-inform', 'DER', '-in', 'public.der', '-pubout', '-out', 'public.pem');
		openssl(
			'req',
			'-x509',
			'-newkey',
			'ec',
			'-pkeyopt',
			'ec_paramgen_curve:P-256',
			'-nodes',
			'-subj',
			'/CN=ca',
			'-out',
			'ca.pem',
			'-keyout',
			'ca.key',
		);
		openssl('req', '-new', '-key', 'ca.key', '-subj', '/CN=leaf', '-out', 'leaf.csr');
		openssl(
			'x509',
			'-req',
			'-in',
			'leaf.csr',
			'-CA',
			'ca.pem',
			'-CAkey',
			'ca.key',
			'-force_pubkey',
			'public.pem',
			'-outform',
			'DER',
			'-out',
			'leaf.der',
		);
		const publicKey = token.publicKey(id);
		token.tool('--login', '--write-object', at('leaf.der'), '--type', 'cert', '--id', id, '--label', 'leaf');
		token.tool('--login', '--delete-object', '--type', 'pubkey', '--id', id);
		const signer = await openSigner(token.uri(`id=%${id}`), { pin: token.pin });
		expect(signer.publicKey).toEqual(publicKey);
	});
});
