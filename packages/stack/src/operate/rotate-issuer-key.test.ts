import { chownSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateSigningJwks } from '@chancery/identity/generate-jwks';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { rotateIssuerKey } from './rotate-issuer-key.ts';

let folder: string;
let path: string;

beforeEach(async () => {
	folder = mkdtempSync(join(tmpdir(), 'issuer-key-'));
	path = join(folder, 'identity.jwks.json');
	writeFileSync(path, JSON.stringify(await generateSigningJwks()), { mode: 0o400 });
});
afterEach(() => rmSync(folder, { recursive: true }));

const rotate = (issuer: 'auth' | 'ci' = 'auth', nowMs = Date.now()) => rotateIssuerKey({ path, issuer, nowMs });

describe('the key file', () => {
	it('gets the next key, and stays as readable as it was', async () => {
		const { kid, isNew } = await rotate();
		expect(isNew).toBe(true);
		expect(statSync(path).mode & 0o777).toBe(0o400);
		const after = JSON.parse(readFileSync(path, 'utf8')) as { auth: { kid: string }[]; ci: unknown[] };
		expect(after.auth.map((key) => key.kid)).toContain(kid);
		expect(after.ci).toHaveLength(1);
	});

	it('is not written again while a key is planned', async () => {
		await rotate('ci');
		const written = readFileSync(path);
		expect(await rotate('ci')).toMatchObject({ isNew: false });
		expect(readFileSync(path)).toEqual(written);
	});

	it.runIf(process.getuid?.() === 0)('of another account is left to that account', async () => {
		chownSync(path, 65534, 65534);
		await expect(rotate()).rejects.toThrow('belongs to the account 65534: run this as that account');
	});

	it('that is no key file is refused without showing what is in it', async () => {
		writeFileSync(join(folder, 'other'), '{"auth": "hush"}');
		const refused = rotateIssuerKey({ path: join(folder, 'other'), issuer: 'auth', nowMs: 0 });
		await expect(refused).rejects.toThrow('expected { "auth": [JWK, ...], "ci": [JWK, ...] }');
		await expect(refused).rejects.not.toThrow('hush');
	});
});
