import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Refusal } from '../../instance/refusal.ts';
import { readGivenFile } from './given-file.ts';

let folder: string;
beforeAll(() => {
	folder = mkdtempSync(join(tmpdir(), 'chancery-given-'));
	execFileSync('mkfifo', [join(folder, 'pipe')]);
	writeFileSync(join(folder, 'long'), 'x'.repeat(256 * 1024 + 1));
	writeFileSync(join(folder, 'longest'), 'x'.repeat(256 * 1024));
});
afterAll(() => rmSync(folder, { recursive: true }));

it('reads a file up to its bound', async () => {
	expect(await readGivenFile(join(folder, 'longest'), 'the root')).toHaveLength(256 * 1024);
});

it.each([
	['a pipe without a writer', () => join(folder, 'pipe'), /the root .*pipe cannot be read: it is no file/],
	['a device without an end', () => '/dev/zero', /the root \/dev\/zero cannot be read: it is no file/],
	['a folder', () => folder, /\(EISDIR\)/],
	['nothing', () => join(folder, 'none'), /the root .*none cannot be read \(ENOENT\)/],
	['a long file', () => join(folder, 'long'), /longer than 262144 bytes/],
])('refuses %s, and says so at once', async (_what, path, words) => {
	const refusal = await readGivenFile(path(), 'the root').catch((error: unknown) => error);
	expect(refusal).toBeInstanceOf(Refusal);
	expect(String(refusal)).toMatch(words);
});
