import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { InputFiles } from './input-files.ts';
import { UsageError } from './usage-error.ts';

let folder: string;
beforeAll(() => {
	folder = mkdtempSync(join(tmpdir(), 'chancery-inputs-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

async function readJson(text: string): Promise<unknown> {
	const path = join(folder, 'trusted_root.json');
	writeFileSync(path, text);
	return new InputFiles().readJson(path, 'the trusted root', 1000);
}

it.each([
	['nothing', '', /is not JSON: it is empty$/],
	['half of it', '{"tlogs":', /is not JSON that can be used \(JSON: not valid\)$/],
	['a member twice', '{"tlogs":[],"tlogs":[1]}', /the member "tlogs" stands twice in one object\)$/],
	['a member in two spellings', '{"tlogs":[],"\\u0074logs":[1]}', /the member "tlogs" stands twice/],
])('refuses JSON with %s, by the name of the file', async (_what, text, words) => {
	const reading = readJson(text);
	await expect(reading).rejects.toBeInstanceOf(UsageError);
	await expect(reading).rejects.toThrow(words);
	await expect(reading).rejects.toThrow(/the trusted root .*trusted_root\.json/);
});

it('reads what everybody reads alike', async () => {
	expect(await readJson('{"a":{"a":[]}}')).toEqual({ a: { a: [] } });
});
