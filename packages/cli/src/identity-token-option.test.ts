import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { readTokenOption as readOption } from './identity-token-option.ts';
import { InputFiles } from './input-files.ts';

const readTokenOption = (value: string | undefined) => readOption(value, new InputFiles());

const TOKEN = 'eyJhbGciOiJFUzI1NiJ9.eyJlbWFpbCI6ImFAYi5jIn0.c2lnbmF0dXJl';

it('takes a token, also with the line end that a file or a shell has left on it', async () => {
	expect(await readTokenOption(TOKEN)).toBe(TOKEN);
	expect(await readTokenOption(` ${TOKEN}\r\n`)).toBe(TOKEN);
});

it('takes the path of a file that holds one', async () => {
	const path = join(mkdtempSync(join(tmpdir(), 'chancery-token-')), 'token');
	writeFileSync(path, `${TOKEN}\n`);
	expect(await readTokenOption(path)).toBe(TOKEN);
});

it.each([
	['in quotes', `"${TOKEN}"`],
	['with its scheme', `Bearer ${TOKEN}`],
	['of four parts', `${TOKEN}.AAAA`],
	['of another kind', 'gho_16C7e42F292c6912E7710c838347Ae178B4a'],
	['of great length', `${TOKEN} `.repeat(200)],
])('does not repeat a token %s that it cannot use', async (_what, given) => {
	const error = await readTokenOption(given).catch((thrown: Error) => thrown);
	expect(error).toMatchObject({ name: 'UsageError', message: expect.stringMatching(/^the identity token is neither/) });
	for (const part of given.split(/[^\w-]+/).filter((text) => text.length > 6))
		expect(String(error)).not.toContain(part);
});

it.each([undefined, '', ' \n'])('asks for one when there is %j', async (given) => {
	await expect(readTokenOption(given)).rejects.toThrow(/SIGSTORE_ID_TOKEN/);
});
