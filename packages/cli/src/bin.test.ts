/** The scripts in `bin`, in an installation whose Node prints where it keeps what it compiled. */
import { execFileSync } from 'node:child_process';
import {
	chmodSync,
	chownSync,
	cpSync,
	mkdirSync,
	mkdtempSync,
	realpathSync,
	rmSync,
	statSync,
	writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const BIN = fileURLToPath(new URL('../bin', import.meta.url));
const IS_ROOT = process.getuid?.() === 0;
const NOBODY = 65_534;

let root: string;
beforeEach(() => {
	root = realpathSync(mkdtempSync(join(tmpdir(), 'chancery-bin-')));
	cpSync(BIN, join(root, 'packages/cli/bin'), { recursive: true });
	mkdirSync(join(root, 'node_modules/.bin'), { recursive: true });
	const node = join(root, 'node_modules/.bin/node');
	writeFileSync(node, '#!/bin/sh\nprintf %s "$NODE_COMPILE_CACHE"\n');
	chmodSync(node, 0o755);
});
afterEach(() => rmSync(root, { recursive: true }));

const cacheOf = (script: string, env: Record<string, string> = {}): string =>
	execFileSync(join(root, 'packages/cli/bin', script), { encoding: 'utf8', env: { PATH: process.env.PATH, ...env } });

describe.each(['chancery', 'conformance-client'])('%s', (script) => {
	it('keeps what Node compiled inside the installation', () => {
		expect(cacheOf(script)).toBe(join(root, 'node_modules/.chancery'));
	});

	it('lets nobody else into the folder, whatever the umask is', () => {
		const umask = process.umask(0);
		try {
			const folder = cacheOf(script);
			expect(statSync(folder).mode & 0o777).toBe(0o700);
		} finally {
			process.umask(umask);
		}
	});

	it('runs where the folder cannot be made', () => {
		writeFileSync(join(root, 'node_modules/.chancery'), '');
		expect(cacheOf(script)).toBe('');
	});

	it('leaves the choice of another folder to the user', () => {
		expect(cacheOf(script, { NODE_COMPILE_CACHE: '/elsewhere' })).toBe('/elsewhere');
	});

	// Root would run what another user put there.
	it.runIf(IS_ROOT)('neither reads nor writes it where the installation belongs to somebody else', () => {
		chownSync(join(root, 'node_modules'), NOBODY, NOBODY);
		expect(cacheOf(script)).toBe('');
	});
});
