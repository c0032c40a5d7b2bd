import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { Refusal } from '../instance/refusal.ts';
import { openDevelopmentKeys } from './development-keys.ts';

const folder = mkdtempSync(join(tmpdir(), 'chancery-keys-'));
afterAll(() => rmSync(folder, { recursive: true }));

it('the keys of an instance are made once, and refused when they cannot be made out', async () => {
	const made = await openDevelopmentKeys(folder);
	expect((await openDevelopmentKeys(folder)).signingJwks).toEqual(made.signingJwks);

	const path = join(folder, 'identity.jwks.json');
	const half = readFileSync(path, 'utf8').slice(0, 900);
	for (const text of ['null', '{}', '{"auth":[7],"ci":[]}', half]) {
		writeFileSync(path, text);
		const refusal = await openDevelopmentKeys(folder).catch((error: unknown) => error);
		expect(refusal, text).toBeInstanceOf(Refusal);
		expect((refusal as Refusal).stack).not.toContain(half.slice(100, 120));
	}
});
