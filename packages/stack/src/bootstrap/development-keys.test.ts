import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ca } from '@chancery/ca/definition';
import { afterAll, expect, it } from 'vitest';
import { Refusal } from '../instance/refusal.ts';
import { openDevelopmentKeys } from './development-keys.ts';

/** What a data folder has in `keys`: other names would be other keys. */
const FILES = [
	'ca-issuing.pem',
	'ca-root.pem',
	'ctlog.pem',
	'identity.jwks.json',
	'log-v1.pem',
	'log-v2.pem',
	'tsa-root.pem',
	'tsa.pem',
	'tuf-root.pem',
	'tuf-snapshot.pem',
	'tuf-targets.pem',
	'tuf-timestamp.pem',
];

const folder = mkdtempSync(join(tmpdir(), 'chancery-keys-'));
afterAll(() => rmSync(folder, { recursive: true }));

it('the keys of an instance are made once, and refused when they cannot be made out', async () => {
	const made = await openDevelopmentKeys(folder);
	const path = made.signingJwksFile;
	const files = () => readdirSync(folder).map((name) => [name, readFileSync(join(folder, name), 'utf8')]);
	const before = files();
	expect(before.map(([name]) => name).sort()).toEqual(FILES);
	const again = await openDevelopmentKeys(folder);
	expect(files()).toEqual(before);
	expect(again.of(ca).issuing.publicKey).toEqual(made.of(ca).issuing.publicKey);

	const half = readFileSync(path, 'utf8').slice(0, 900);
	for (const text of ['null', '{}', '{"auth":[7],"ci":[]}', half]) {
		writeFileSync(path, text);
		const refusal = await openDevelopmentKeys(folder).catch((error: unknown) => error);
		expect(refusal, text).toBeInstanceOf(Refusal);
		expect((refusal as Refusal).stack).not.toContain(half.slice(100, 120));
	}
});
